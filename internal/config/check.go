package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// Finding is one thing that Check has to say about a configuration file.
type Finding struct {
	File    string `json:"file"`
	Line    int    `json:"line"` // from 1; 0 if it is about the whole file
	Column  int    `json:"column"`
	Warning bool   `json:"warning"` // it is right, but will not work here and now
	Problem string `json:"problem"`
	Hint    string `json:"hint"`
}

// String returns place, problem and hint in one line.
func (f *Finding) String() string {
	e := FileError{f.File, f.Line, f.Column, f.Problem, f.Hint}
	if f.Warning {
		e.Problem = "warning: " + e.Problem
	}
	return e.Error()
}

// Check reads a configuration file and returns everything that is wrong with it, and as warnings what it names and is not
// there: environment variables, files, inputs. The findings are in the order of the file. The File is what could be read.
// The error is a *FileError about a file that cannot be read at all.
func Check(path string, env func(string) string) (*File, []Finding, error) {
	text, err := readText(path)
	if err != nil {
		return nil, nil, err
	}
	f, wrong := inspect(path, text)
	var out []Finding
	for _, err := range wrong {
		out = append(out, NewFinding(err, false))
	}
	c := checker{f: f, env: env}
	c.value(reflect.ValueOf(f).Elem(), "", nil)
	c.inputs()
	if f.DataDir != "" && !filepath.IsAbs(f.DataDir) {
		f.DataDir = filepath.Join(filepath.Dir(path), f.DataDir)
	}
	out = append(out, c.found...)
	Sort(out)
	return f, out, nil
}

// NewFinding makes a finding of an error; one that is a *FileError knows its place.
func NewFinding(err error, warning bool) Finding {
	var e *FileError
	if !errors.As(err, &e) {
		return Finding{Problem: err.Error(), Warning: warning}
	}
	return Finding{e.File, e.Line, e.Column, warning, e.Problem, e.Hint}
}

// Sort puts findings in the order of the file.
func Sort(all []Finding) {
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// Wrong is an error about the setting at a path of keys, for checks that need more than the file.
func (f *File) Wrong(problem, hint string, path ...string) error {
	return f.wrong(problem, hint, path...)
}

// checker looks for what a file names and is not there.
type checker struct {
	f     *File
	env   func(string) string
	found []Finding
}

func (c *checker) warn(problem, hint string, path []string) {
	c.found = append(c.found, NewFinding(c.f.wrong(problem, hint, path...), true))
}

// value looks at a setting, and at those below it. A setting whose name ends in _env names an environment variable, one in
// _file a file; a text may refer to either as env:NAME or file:PATH.
func (c *checker) value(v reflect.Value, key string, path []string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			c.value(v.Elem(), key, path)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if tag := v.Type().Field(i).Tag.Get("yaml"); tag != "" && tag != "-" {
				c.value(v.Field(i), tag, append(slices.Clone(path), tag))
			}
		}
	case reflect.Map:
		for _, name := range slices.SortedFunc(maps.Keys(mapOf(v)), strings.Compare) {
			c.value(mapOf(v)[name], name, append(slices.Clone(path), name))
		}
	case reflect.Slice:
		for i := range v.Len() {
			c.value(v.Index(i), "", path)
		}
	case reflect.String:
		c.text(v.String(), key, path)
	}
}

// mapOf returns the values of a map by their names.
func mapOf(v reflect.Value) map[string]reflect.Value {
	out := map[string]reflect.Value{}
	for _, k := range v.MapKeys() {
		if k.Kind() == reflect.String {
			out[k.String()] = v.MapIndex(k)
		}
	}
	return out
}

func (c *checker) text(text, key string, path []string) {
	variable, file := "", ""
	switch {
	case text == "":
		return
	case strings.HasPrefix(text, "env:"):
		variable = text[len("env:"):]
	case strings.HasPrefix(text, "file:") && !strings.HasPrefix(text, "file://"):
		file = text[len("file:"):]
	case strings.HasSuffix(key, "_env"):
		variable = text
	case strings.HasSuffix(key, "_file"):
		file = text
	}
	if variable != "" && c.env(variable) == "" {
		c.warn("the environment variable "+variable+" is not set here", "set it where tapline runs", path)
	}
	if file == "" {
		return
	}
	_, here := os.Stat(file)
	if _, err := os.Stat(c.beside(file)); err != nil && here != nil {
		c.warn("the file "+file+" is not here", "put it where tapline runs", path)
	}
}

// beside returns a path of the file from the file's own folder on.
func (c *checker) beside(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.f.Path), path)
}

// inputs looks for the files of jobs that are not patterns.
func (c *checker) inputs() {
	for _, name := range c.f.JobNames() {
		for _, input := range c.f.Jobs[name].Inputs {
			if strings.Contains(input, "://") || strings.ContainsAny(input, "*?[{") || input == "-" {
				continue
			}
			if _, err := os.Stat(c.beside(input)); err != nil {
				c.warn(fmt.Sprintf("the input %s is not here", input), "make the folder, or name the right one", []string{"jobs", name, "inputs"})
			}
		}
	}
}
