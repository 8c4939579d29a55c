package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/breakwater-go/breakwater/fetch/audit"
)

// An auditFile is what the audit log is appended to. One that cannot be written costs
// records and no downloads; that is logged once until it can again.
type auditFile struct {
	file *os.File
	log  *slog.Logger

	// Of Write, which the logger calls one at a time:
	cut     bool // the last line has no end
	failing bool
}

// openAudit opens the file for records, which are for nobody else to read; nil if
// there is to be none.
func (c config) openAudit(log *slog.Logger) (*auditFile, error) {
	if c.audit == "" {
		return nil, nil
	}
	if info, err := os.Stat(c.audit); err == nil && !info.Mode().IsRegular() {
		// A pipe that nobody reads would stop all, at once or when it is full.
		return nil, fmt.Errorf("%s is not a regular file, and downloads wait for their records: choose another file with -audit", c.audit)
	}
	file, err := os.OpenFile(c.audit, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: choose another file with -audit", err)
	}
	return &auditFile{file: file, log: log, cut: isCut(c.audit)}, nil
}

// isCut reports whether a file ends in the middle of a line, as after a crash:
// what is appended to that would be lost with it. What cannot be read does not.
func isCut(name string) bool {
	info, err := os.Stat(name)
	if err != nil || info.Size() == 0 {
		return false
	}
	file, err := os.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	var last [1]byte
	_, err = file.ReadAt(last[:], info.Size()-1)
	return err == nil && last[0] != '\n'
}

// record returns what writes a record; nil if there is no file.
func (a *auditFile) record() func(context.Context, audit.Record) {
	if a == nil {
		return nil
	}
	return audit.LogJSON(a)
}

// Write appends one line.
func (a *auditFile) Write(line []byte) (int, error) {
	if a.cut {
		if _, err := io.WriteString(a.file, "\n"); err != nil {
			return 0, a.tell(err)
		}
	}
	n, err := a.file.Write(line)
	a.cut = a.cut && n == 0 || n > 0 && line[n-1] != '\n'
	return n, a.tell(err)
}

func (a *auditFile) tell(err error) error {
	failed := err != nil
	switch {
	case failed && !a.failing:
		a.log.Error("the audit log cannot be written; downloads go on without", "error", err)
	case !failed && a.failing:
		a.log.Info("the audit log is written again")
	}
	a.failing = failed
	return err
}

func (a *auditFile) close() error {
	if a == nil {
		return nil
	}
	return a.file.Close()
}
