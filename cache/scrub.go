package cache

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"strings"
	"time"
)

// A ScrubReport says what a scrub has read.
type ScrubReport struct {
	Entries int64 // that were read
	Bytes   int64 // of their content
	Damaged int64 // of the entries
	Foreign int64 // files that somebody else has put where entries were; they are removed
}

// Scrub reads every entry in full, at no more than rate bytes per second, or as
// fast as it can for a rate of 0 or less, and takes the damaged ones out of the
// store, as Get does. What crashes have left of others is removed, and so are files
// that were changed by others so that it shows, which Get takes for misses, if they
// are older than an hour. It ends early
// with ctx, whose error it returns; entries that may not be read are passed over, and
// are the error in the end.
func (d *Disk) Scrub(ctx context.Context, rate int64) (ScrubReport, error) {
	var report ScrubReport
	begun := time.Now()
	var refused error
	err := d.walk(ctx, func(key string, entry fs.DirEntry) error {
		size, err := d.scrubEntry(ctx, key)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, errReplaced), errors.Is(err, fs.ErrNotExist) && !isDamage(err):
			// Or it is being replaced; it is a miss at any rate.
			if d.removeHalf(ctx, key, entry) && errors.Is(err, errReplaced) {
				report.Foreign++
			}
			return nil
		case isDamage(err):
			report.Damaged++
		case errors.Is(err, fs.ErrPermission):
			refused = err
			return nil
		case err != nil:
			return err
		}
		report.Entries++
		report.Bytes += size
		if rate <= 0 {
			return nil
		}
		due := time.Duration(float64(report.Bytes) / float64(rate) * float64(time.Second))
		return pause(ctx, max(0, due-time.Since(begun)))
	})
	return report, cmp.Or(err, refused)
}

func (d *Disk) scrubEntry(ctx context.Context, key string) (int64, error) {
	file, info, rec, err := d.openFile(key)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	err = readThrough(ctx, file, info.Size(), rec.meta().Digest)
	if isDamage(err) && d.witness.damaged.has(key, fingerprintOf(info)) {
		err = errKnown
	}
	if isDamage(err) {
		d.quarantine(ctx, key, info, err)
	}
	return info.Size(), err
}

// walk calls visit with the key and the record's directory entry of everything
// that is stored, as it goes along; what comes and goes meanwhile may be missed. What
// may not be looked into is passed over, and is the error in the end.
func (d *Disk) walk(ctx context.Context, visit func(key string, record fs.DirEntry) error) error {
	d.follow(ctx)
	var refused error
	var ended error // by visit: WalkDir gives fs.SkipDir and fs.SkipAll a meaning of its own
	err := fs.WalkDir(d.root().FS(), recordDir, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case errors.Is(err, fs.ErrPermission):
			refused = err
			return nil
		case err != nil:
			return err
		case entry.IsDir():
			return nil
		}
		key, ok := strings.CutSuffix(strings.TrimPrefix(name, recordDir+"/"), recordSuffix)
		if !ok || CheckKey(key) != nil {
			return nil
		}
		if ended = visit(key, entry); ended != nil {
			return fs.SkipAll
		}
		return nil
	})
	return cmp.Or(ended, err, refused)
}
