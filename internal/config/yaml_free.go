package config

import (
	"reflect"
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// free puts a value of any kind into v, an interface, as encoding/json would: it is passed on to others as it is.
func (d *decoder) free(n ast.Node, v reflect.Value, path []string) error {
	var out any
	var err error
	switch s := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		m := map[string]any{}
		err = d.mapping(n, reflect.ValueOf(&m).Elem(), path)
		out = m
	case *ast.SequenceNode:
		list := []any{}
		err = d.list(n, reflect.ValueOf(&list).Elem(), path)
		out = list
	case *ast.BoolNode:
		out = s.Value
	case *ast.IntegerNode, *ast.FloatNode:
		f, parseErr := strconv.ParseFloat(n.GetToken().Value, 64)
		if out = f; parseErr != nil {
			out = n.GetToken().Value
		}
	default:
		var text string
		err = d.scalar(n, reflect.ValueOf(&text).Elem(), path)
		out = text
	}
	if err == nil {
		v.Set(reflect.ValueOf(out))
	}
	return err
}
