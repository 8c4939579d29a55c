package auth

// The parsers, for the fuzz tests.
var (
	ParseNetrc  = parseNetrc
	ParseOutput = parseOutput
	ParseGit    = parseGit
)
