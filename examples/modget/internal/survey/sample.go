package survey

import "golang.org/x/mod/module"

// DefaultSample returns what sources are asked for unless one says otherwise: public
// modules that every mirror of any age should have. Their zips have between 17 KB and
// 9 MB, 12 MB in all; one has upper-case letters in its path, which are escaped, one a
// major version behind it, and one a "+" in its version, for mirrors get these wrong.
func DefaultSample() []module.Version {
	return []module.Version{
		{Path: "github.com/pkg/errors", Version: "v0.9.1"},
		{Path: "github.com/cespare/xxhash/v2", Version: "v2.3.0"},
		{Path: "github.com/BurntSushi/toml", Version: "v1.4.0"},
		{Path: "github.com/gofrs/uuid", Version: "v4.4.0+incompatible"},
		{Path: "gopkg.in/yaml.v3", Version: "v3.0.1"},
		{Path: "golang.org/x/mod", Version: "v0.20.0"},
		{Path: "google.golang.org/protobuf", Version: "v1.34.2"},
		{Path: "golang.org/x/text", Version: "v0.17.0"},
	}
}
