package cli

import (
	"context"
	"io"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/spf13/cobra"
)

func (a *app) doctorCommand() *cobra.Command {
	return a.command("doctor",
		"Say what is wrong with the sources, and what to do",
		"Asks each source and the checksum database once, past cache and circuits, with their own\n"+
			"proxy, certificates and credentials, and says in plain words what is wrong and what to do.\n"+
			"The exit code is 4 if something is.",
		arguments{},
		func(ctx context.Context, _ []string) error { return a.doctor(ctx) })
}

func (a *app) doctor(ctx context.Context) error {
	settings, err := a.settings(ctx)
	if err != nil {
		return err
	}
	diagnosis, err := fetch.Diagnose(ctx, &fetch.Options{Go: &settings, Logger: a.logger(), Offline: a.offline})
	if err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := a.print(diagnosis, func(w io.Writer) { diagnosis.WriteTo(w) }); err != nil {
		return err
	}
	if !diagnosis.OK() {
		return toldError{exitUnavailable}
	}
	return nil
}
