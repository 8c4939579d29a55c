module github.com/breakwater-go/breakwater/examples

go 1.26.0

require (
	github.com/breakwater-go/breakwater v0.0.0
	golang.org/x/mod v0.42.0
)

require (
	github.com/cenkalti/backoff/v4 v4.3.0 // indirect
	github.com/hashicorp/golang-lru/v2 v2.0.7 // indirect
	github.com/sony/gobreaker/v2 v2.4.0 // indirect
)

replace github.com/breakwater-go/breakwater => ../
