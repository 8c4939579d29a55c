package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"strings"
)

// goModFile is a go.mod file of the usual size, 30 requirements.
func goModFile(path string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "module %s\n\ngo 1.24\n\nrequire (\n", path)
	for i := range 30 {
		fmt.Fprintf(&b, "\texample.com/team%d/project%d v1.%d.0\n", i%7, i, i*3)
	}
	b.WriteString(")\n")
	return b.String()
}

// infoFile is an .info file as the public proxy writes them.
func infoFile(path string) string {
	return fmt.Sprintf(`{"Version":%q,"Time":"2024-01-02T03:04:05Z","Origin":{"VCS":"git","URL":"https://%s","Hash":"0123456789abcdef0123456789abcdef01234567","Ref":"refs/tags/%[1]s"}}`, moduleVersion, path)
}

// A source file as it is in a zip.
type packed struct {
	deflated []byte
	crc      uint32
	size     int
}

// variety is how many different source files there are; a larger zip has the same ones
// several times, under different names. To deflate all of it would take long, and what
// reads the zip has as much to do.
const variety = 64

// writeZipFile writes a module zip of about size bytes to file: source code in many
// files of 1 to 64 KiB. prefix is its PATH@VERSION.
func writeZipFile(file, prefix, goMod string, size int) (err error) {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	z := zip.NewWriter(out)
	w, err := z.Create(prefix + "/go.mod")
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(goMod)); err != nil {
		return err
	}
	if err := addSources(z, prefix, size); err != nil {
		return err
	}
	return z.Close()
}

func addSources(z *zip.Writer, prefix string, size int) error {
	sources, err := packedSources()
	if err != nil {
		return err
	}
	for i, written := 0, 0; written < size; i++ {
		s := sources[i%variety]
		name := fmt.Sprintf("%s/internal/part%d/file%d.go", prefix, i/variety, i%variety)
		w, err := z.CreateRaw(&zip.FileHeader{
			Name: name, Method: zip.Deflate, CRC32: s.crc,
			CompressedSize64: uint64(len(s.deflated)), UncompressedSize64: uint64(s.size),
		})
		if err != nil {
			return err
		}
		if _, err := w.Write(s.deflated); err != nil {
			return err
		}
		written += len(s.deflated) + 2*len(name) + 76 // its local header and that in the directory
	}
	return nil
}

// packedSources makes the source files. The smallest come first, so that a small zip
// has several.
func packedSources() ([]packed, error) {
	random := rand.New(rand.NewPCG(1, 2))
	sources := make([]packed, variety)
	for i := range sources {
		text := sourceText(random, 1<<10<<(i*7/variety))
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, flate.DefaultCompression)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(text); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		sources[i] = packed{b.Bytes(), crc32.ChecksumIEEE(text), len(text)}
	}
	return sources, nil
}

// sourceText is at least size bytes that deflate about as well as source code.
func sourceText(random *rand.Rand, size int) []byte {
	var b bytes.Buffer
	b.WriteString("package part\n")
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "\n// %s says what %s has for the %s, or why it has none.\n", name(random), name(random), name(random))
		fmt.Fprintf(&b, "func (%c *%s) %s(ctx context.Context, key string) (*%s, error) {\n", 'a'+i%26, name(random), name(random), name(random))
		for range 3 + random.IntN(8) {
			fmt.Fprintf(&b, "\tif %s, err := x.%s(ctx, %q, %d); err != nil {\n\t\treturn nil, fmt.Errorf(\"%s: %%w\", err)\n\t}\n",
				strings.ToLower(name(random)), name(random), name(random), random.IntN(1<<20), name(random))
		}
		b.WriteString("\treturn nil, nil\n}\n")
	}
	return b.Bytes()
}

// name is an identifier of two or three words.
func name(random *rand.Rand) string {
	words := strings.Fields("Open Close Read Write Find Store Entry Module Version Source List Range Hash Tree Node Path Key Lock Wait Limit Count First Last")
	var b strings.Builder
	for range 2 + random.IntN(2) {
		b.WriteString(words[random.IntN(len(words))])
	}
	return b.String()
}
