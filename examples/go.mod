module github.com/breakwater-go/breakwater/examples

go 1.26.0

require (
	github.com/breakwater-go/breakwater v0.0.0
	github.com/coreos/go-oidc/v3 v3.21.0
	golang.org/x/mod v0.42.0
)

require (
	github.com/cenkalti/backoff/v4 v4.3.0 // indirect
	github.com/go-jose/go-jose/v4 v4.1.4 // indirect
	github.com/hashicorp/golang-lru/v2 v2.0.7 // indirect
	github.com/sony/gobreaker/v2 v2.4.0 // indirect
	golang.org/x/oauth2 v0.36.0 // indirect
)

replace github.com/breakwater-go/breakwater => ../
