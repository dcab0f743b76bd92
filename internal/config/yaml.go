package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// place is a position in the file, from 1.
type place struct{ line, column int }

// places are the positions of keys, by path.
type places map[string]place

const pathSeparator = "\x00"

// find returns the position of the longest beginning of a path that the file has.
func (p places) find(path []string) place {
	for n := len(path); n > 0; n-- {
		if at, ok := p[strings.Join(path[:n], pathSeparator)]; ok {
			return at
		}
	}
	return place{}
}

// decoder puts a YAML document into a structure of Go. Unlike the library's own it keeps texts as they are written (an
// account 0123 stays that), names what is allowed, and never shows a line of the file, which may have a password.
type decoder struct {
	file    string
	anchors map[string]ast.Node
	places  places
	merges  int     // how deep in << we are: an anchor may hold itself
	wrongs  []error // what was wrong so far: reading goes on behind it
}

// parse reads text into out, a pointer to a struct with yaml tags, and returns everything that is wrong with it.
func parse(file string, text []byte, out any) (places, []error) {
	d := &decoder{file: file, anchors: map[string]ast.Node{}, places: places{}}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return d.places, []error{d.syntax(err)}
	}
	var body ast.Node
	for _, doc := range tree.Docs {
		switch {
		case doc.Body == nil:
		case body != nil:
			return d.places, []error{d.wrong(doc.Body, "a second document", "remove the line ---")}
		default:
			body = doc.Body
		}
	}
	if body == nil {
		return d.places, nil
	}
	ast.Walk(anchorVisitor(d.anchors), body)
	d.note(d.decode(body, reflect.ValueOf(out).Elem(), nil))
	return d.places, d.wrongs
}

// note keeps an error, if it is one that is not there already: an anchor is read wherever it is used.
func (d *decoder) note(err error) {
	if err != nil && !slices.ContainsFunc(d.wrongs, func(e error) bool { return e.Error() == err.Error() }) {
		d.wrongs = append(d.wrongs, err)
	}
}

// anchorVisitor notes anchors.
type anchorVisitor map[string]ast.Node

// Visit implements ast.Visitor.
func (v anchorVisitor) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok {
		v[a.Name.GetToken().Value] = a.Value
	}
	return v
}

// syntax is the library's error without the piece of the file that it shows.
func (d *decoder) syntax(err error) error {
	e := &FileError{File: d.file, Problem: "no YAML"}
	var known yaml.Error
	if errors.As(err, &known) {
		e.Problem += ": " + known.GetMessage()
		e.Line, e.Column = position(known.GetToken())
	}
	return e
}

func position(t *token.Token) (line, column int) {
	if t == nil || t.Position == nil {
		return 0, 0
	}
	return t.Position.Line, t.Position.Column
}

func (d *decoder) wrong(at ast.Node, problem, hint string) error {
	line, column := position(at.GetToken())
	return &FileError{d.file, line, column, problem, hint}
}

// plain follows anchors and aliases.
func (d *decoder) plain(n ast.Node) (ast.Node, error) {
	for range 8 {
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.AliasNode:
			target := d.anchors[v.Value.GetToken().Value]
			if target == nil {
				return nil, d.wrong(n, "no anchor of that name", "")
			}
			n = target
		default:
			return n, nil
		}
	}
	return nil, d.wrong(n, "an alias of itself", "")
}

// decode puts a node into a value. path is where the node is.
func (d *decoder) decode(n ast.Node, v reflect.Value, path []string) error {
	n, err := d.plain(n)
	if err != nil {
		return err
	}
	if _, null := n.(*ast.NullNode); null || n == nil {
		return nil
	}
	switch v.Kind() {
	case reflect.Struct, reflect.Map:
		return d.mapping(n, v, path)
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return d.decode(n, v.Elem(), path)
	case reflect.Slice:
		return d.list(n, v, path)
	case reflect.Interface:
		return d.free(n, v, path)
	}
	return d.scalar(n, v, path)
}

func (d *decoder) scalar(n ast.Node, v reflect.Value, path []string) error {
	var text string
	switch s := n.(type) {
	case *ast.LiteralNode:
		text = s.Value.Value
	case *ast.StringNode:
		text = s.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		text = n.GetToken().Value
	default:
		return d.wrong(n, last(path)+" is not a "+kindName(v), "")
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int64:
		i, err := strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 10, 64)
		if err != nil {
			return d.wrong(n, fmt.Sprintf("%s is %q, which is no whole number", last(path), text), "")
		}
		v.SetInt(i)
	case reflect.Float64:
		f, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
		if err != nil {
			return d.wrong(n, fmt.Sprintf("%s is %q, which is no number", last(path), text), "")
		}
		v.SetFloat(f)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return d.wrong(n, fmt.Sprintf("%s is %q", last(path), text), "use true or false")
		}
		v.SetBool(b)
	default:
		panic("config: a setting of type " + v.Type().String())
	}
	return nil
}

// list also takes one value for a list of it.
func (d *decoder) list(n ast.Node, v reflect.Value, path []string) error {
	nodes := []ast.Node{n}
	if s, ok := n.(*ast.SequenceNode); ok {
		nodes = s.Values
	}
	v.Set(reflect.MakeSlice(v.Type(), len(nodes), len(nodes)))
	for i, each := range nodes {
		if err := d.decode(each, v.Index(i), path); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) mapping(n ast.Node, v reflect.Value, path []string) error {
	var pairs []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		pairs = m.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{m}
	default:
		return d.wrong(n, last(path)+" has no settings below it", allowed(v.Type()))
	}
	for _, p := range pairs { // what is merged in comes first, so that the others win
		if _, ok := p.Key.(*ast.MergeKeyNode); ok {
			d.note(d.merge(p.Value, v, path))
		}
	}
	for _, p := range pairs {
		if _, ok := p.Key.(*ast.MergeKeyNode); !ok {
			d.note(d.pair(p, v, path))
		}
	}
	return nil
}

// merge takes the settings of another mapping, or of several.
func (d *decoder) merge(n ast.Node, v reflect.Value, path []string) error {
	if d.merges++; d.merges > 8 {
		return d.wrong(n, "<< within << within << ...", "")
	}
	defer func() { d.merges-- }()
	n, err := d.plain(n)
	if err != nil {
		return err
	}
	nodes := []ast.Node{n}
	if s, ok := n.(*ast.SequenceNode); ok {
		nodes = slices.Clone(s.Values)
		slices.Reverse(nodes) // the first wins
	}
	for _, each := range nodes {
		if each, err = d.plain(each); err != nil {
			return err
		}
		if err := d.mapping(each, v, path); err != nil {
			return err
		}
	}
	return nil
}

// pair puts the value of a key where it belongs.
func (d *decoder) pair(p *ast.MappingValueNode, v reflect.Value, path []string) error {
	key := p.Key.GetToken().Value
	path = append(slices.Clone(path), key)
	line, column := position(p.Key.GetToken())
	d.places[strings.Join(path, pathSeparator)] = place{line, column}
	if v.Kind() == reflect.Struct {
		field := fieldOf(v, key)
		if !field.IsValid() {
			problem := fmt.Sprintf("unknown setting %q", key)
			if near := nearest(key, keysOf(v.Type())); near != "" {
				problem += ", did you mean " + near + "?"
			}
			return d.wrong(p.Key, problem, allowed(v.Type()))
		}
		return d.decode(p.Value, field, path)
	}
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	each := reflect.New(v.Type().Elem()).Elem()
	if each.Kind() == reflect.Pointer {
		each.Set(reflect.New(each.Type().Elem())) // a name without settings is there, too
	}
	if err := d.decode(p.Value, each, path); err != nil {
		return err
	}
	v.SetMapIndex(reflect.ValueOf(key), each)
	return nil
}

func fieldOf(v reflect.Value, key string) reflect.Value {
	for i := range v.NumField() {
		if tag := v.Type().Field(i).Tag.Get("yaml"); tag == key && tag != "-" && tag != "" {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

// keysOf returns the settings of a struct, in the order of its fields.
func keysOf(t reflect.Type) (keys []string) {
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("yaml"); tag != "" && tag != "-" {
			keys = append(keys, tag)
		}
	}
	return keys
}

func allowed(t reflect.Type) string {
	if t.Kind() != reflect.Struct {
		return "give names, each followed by a colon"
	}
	return "use " + AnyOf(keysOf(t), "")
}

func kindName(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Int64, reflect.Float64:
		return "number"
	case reflect.Bool:
		return "true or false"
	}
	return "text"
}

func last(path []string) string {
	if len(path) == 0 {
		return "the file"
	}
	return path[len(path)-1]
}
