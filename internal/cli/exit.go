package cli

import (
	"errors"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/source/file"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/migrations"
)

// Exit codes, the same for all commands. An interrupted command has failed.
const (
	exitDone        = 0
	exitFailed      = 1
	exitFound       = 2 // a check found something
	exitQuarantined = 3 // loaded, with events in quarantine
	exitUsage       = 64
)

const exitHelp = `Exit codes: 0 done; 1 failed or interrupted; 2 a check found something; 3 loaded, with events in
quarantine; 64 usage or configuration.`

// exitError is an error with a code of its own. Without err everything has been said already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usage marks an error as one of the command line or the configuration.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{exitUsage, err}
}

// exitCode returns the code for what a command returned.
func exitCode(err error) int {
	var own *exitError
	var setting *config.Error
	var file *config.FileError
	var owned *migrations.OwnedError
	var units *loader.UnitsError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &own):
		return own.code
	case errors.As(err, &setting), errors.As(err, &file), errors.As(err, &owned):
		return exitUsage
	case errors.As(err, &units) && onlySettings(units):
		return exitUsage
	}
	return exitFailed
}

// onlySettings reports whether nothing was loaded because every unit failed for want of a flag, such as --timezone.
func onlySettings(e *loader.UnitsError) bool {
	for _, err := range e.Errs {
		var setting *file.SettingError
		if !errors.As(err, &setting) {
			return false
		}
	}
	return e.Failed == e.Total
}
