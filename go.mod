module github.com/breakwater-go/breakwater

go 1.26.0

require golang.org/x/mod v0.42.0

require github.com/hashicorp/golang-lru/v2 v2.0.7 // indirect
