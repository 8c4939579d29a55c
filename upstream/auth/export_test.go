package auth

// The parsers, for the fuzz tests.
var (
	NetrcTable  = netrcTable
	ParseOutput = parseOutput
	ParseGit    = parseGit
)
