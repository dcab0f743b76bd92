package config

import (
	"reflect"
	"slices"
	"strings"
)

// Schema returns the JSON Schema of configuration files, for editors. It is made of the structs that the files are read
// into, so that it knows what they know.
func Schema() map[string]any {
	s := schemaOf(reflect.TypeFor[File](), nil)
	s["$schema"] = "http://json-schema.org/draft-07/schema#"
	s["title"] = "tapline.yaml"
	s["description"] = "Settings of Tapline. tapline config check says more."
	s["type"] = []string{"object", "null"}
	return s
}

// choices are the values of settings that have a few, by their path with * for names.
func choices() map[string][]string {
	return map[string][]string{
		"sources.*.evolve": Modes(), "sources.*.user_identity": UserIdentities(), "jobs.*.kind": Kinds(), "jobs.*.overlap": Overlaps(),
	}
}

// spans are settings that are a length of time.
func spans() []string {
	return []string{
		"jobs.*.jitter", "jobs.*.watch", "jobs.*.backoff", "jobs.*.timeout", "alerts.check_every", "alerts.cooldown", "alerts.timeout",
		"alerts.stale.*.*", "alerts.quarantine.*.within",
	}
}

const spanPattern = `^ *([0-9]+[dw]|\+?(0|(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|ms|s|m|h))+)) *$`

// schemaOf returns the schema of a setting at a path. Whatever has settings below it may be empty, which YAML reads as null.
func schemaOf(t reflect.Type, path []string) map[string]any {
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem(), path)
	case reflect.Struct:
		properties := map[string]any{}
		for i := range t.NumField() {
			field := t.Field(i)
			key := field.Tag.Get("yaml")
			if key == "" || key == "-" {
				continue
			}
			s := schemaOf(field.Type, append(slices.Clone(path), key))
			if doc := field.Tag.Get("doc"); doc != "" {
				s["description"] = doc
			}
			properties[key] = s
		}
		return map[string]any{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
	case reflect.Map:
		return map[string]any{"type": []string{"object", "null"}, "additionalProperties": schemaOf(t.Elem(), append(slices.Clone(path), "*"))}
	case reflect.Slice:
		item := schemaOf(t.Elem(), path)
		return map[string]any{"anyOf": []any{map[string]any{"type": "array", "items": item}, item, map[string]any{"type": "null"}}}
	case reflect.Int64:
		return map[string]any{"type": []string{"integer", "null"}}
	case reflect.Float64:
		return map[string]any{"type": []string{"number", "null"}}
	case reflect.Bool:
		return map[string]any{"type": []string{"boolean", "null"}}
	case reflect.String:
		return schemaOfText(strings.Join(path, "."))
	}
	return map[string]any{} // anything
}

func schemaOfText(path string) map[string]any {
	if words := choices()[path]; words != nil {
		values := []any{nil} // left empty
		if path == "jobs.*.kind" {
			values = nil // which has no default
		}
		for _, word := range words {
			values = append(values, word)
		}
		return map[string]any{"enum": values}
	}
	if slices.Contains(spans(), path) { // of numbers only 0 needs no unit
		return map[string]any{"type": []string{"string", "integer", "null"}, "pattern": spanPattern, "minimum": 0, "maximum": 0}
	}
	return map[string]any{"type": []string{"string", "number", "null"}} // an account may look like a number
}
