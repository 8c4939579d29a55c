package cache

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// tempSpoolPrefix is how the names of spools' files begin in the directory for
// temporary files. Each is locked for as long as it is open. The lock ends with its
// process, however that ends, so what a process left behind when it died can be told
// from what is in use: a process's number may be that of another machine's or
// container's, and a slow download may be of any age.
const tempSpoolPrefix = "breakwater-spool-"

// mostTempNames bounds how many names are looked at for leftovers: the directory is
// everybody's, and whoever makes a spool waits for that.
const mostTempNames = 4096

var errTempSwept = errors.New("new temporary files are taken for leftovers, and removed, all the time")

// createTempSpool makes a file in the directory for temporary files, and removes
// what spools of dead processes have left there.
func createTempSpool() (*os.File, error) {
	dir := os.TempDir()
	sweepTempSpools(dir)
	// Until the file is locked, another process may take it for a dead one's and
	// remove it, with nothing in it: then there is another one.
	for range 10 {
		file, err := os.CreateTemp(dir, tempSpoolPrefix)
		if err != nil {
			return nil, err
		}
		if claimTempSpool(file) {
			return file, nil
		}
		file.Close()
		os.Remove(file.Name())
	}
	return nil, errTempSwept
}

// claimTempSpool locks a new file, and reports whether it is still there. On a file
// system without locks nobody can take it for a leftover, and it is nobody's to remove.
func claimTempSpool(file *os.File) bool {
	if !locksWork {
		return true
	}
	locked, err := tryLock(file)
	if err != nil {
		return true
	}
	ours, err := file.Stat()
	if !locked || err != nil {
		return false
	}
	there, err := os.Lstat(file.Name())
	return err == nil && os.SameFile(ours, there)
}

// sweepTempSpools removes the files of spools in dir whose processes are dead. What
// goes wrong is left for the next spool.
func sweepTempSpools(dir string) {
	if !locksWork {
		return
	}
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	defer d.Close()
	names, _ := d.Readdirnames(mostTempNames)
	for _, name := range names {
		if strings.HasPrefix(name, tempSpoolPrefix) {
			sweepTempSpool(filepath.Join(dir, name))
		}
	}
}

// sweepTempSpool removes a file if nobody has it locked. Others make what they like in
// a directory that is everybody's: a link is not followed, nor a pipe opened; and
// whatever takes the file's place meanwhile, it is only the name here that is removed.
func sweepTempSpool(name string) {
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return // another user's, or gone
	}
	defer file.Close()
	if dead, err := tryLock(file); err == nil && dead {
		os.Remove(name)
	}
}
