package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
)

// writeZip writes the zip of the new version: a go.mod file and source files, which are
// packed already.
func (m *graphModule) writeZip(goMod string, files []packed) (err error) {
	out, err := os.Create(m.file(newVersion, ".zip"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	z := zip.NewWriter(out)
	prefix := m.path() + "@" + newVersion
	w, err := z.Create(prefix + "/go.mod")
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, goMod); err != nil {
		return err
	}
	for i, f := range files {
		if err := f.addTo(z, fmt.Sprintf("%s/internal/part%d/file%d.go", prefix, i/10, i)); err != nil {
			return err
		}
	}
	return z.Close()
}

// addTo adds the file to a zip under a name.
func (p packed) addTo(z *zip.Writer, name string) error {
	w, err := z.CreateRaw(&zip.FileHeader{
		Name: name, Method: zip.Deflate, CRC32: p.crc,
		CompressedSize64: uint64(len(p.deflated)), UncompressedSize64: uint64(p.size),
	})
	if err != nil {
		return err
	}
	_, err = w.Write(p.deflated)
	return err
}
