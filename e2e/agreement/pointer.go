package agreement

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// apply returns a copy of the object with the mutation done to it: moves first,
// then drops, then sets, each in the order of their places.
func apply(object map[string]any, m Mutation) (map[string]any, error) {
	root := copied(object)
	for _, from := range slices.Sorted(maps.Keys(m.Move)) {
		value, err := at(root, from)
		if err != nil {
			return nil, err
		}
		if root, err = edit(root, from, drop); err != nil {
			return nil, err
		}
		if root, err = edit(root, m.Move[from], set(value)); err != nil {
			return nil, err
		}
	}
	for _, place := range m.Drop {
		var err error
		if root, err = edit(root, place, drop); err != nil {
			return nil, err
		}
	}
	for _, place := range slices.Sorted(maps.Keys(m.Set)) {
		var err error
		if root, err = edit(root, place, set(copied(m.Set[place]))); err != nil {
			return nil, err
		}
	}
	return root.(map[string]any), nil
}

// change is what happens to the member of a map or list: it returns the holder.
type change func(holder any, key string) (any, error)

func drop(holder any, key string) (any, error) {
	switch h := holder.(type) {
	case map[string]any:
		if _, ok := h[key]; !ok {
			return nil, fmt.Errorf("there is no %q to take away", key)
		}
		delete(h, key)
		return h, nil
	case []any:
		i, err := strconv.Atoi(key)
		if err != nil || i >= len(h) {
			return nil, fmt.Errorf("there is no item %q to take away", key)
		}
		return slices.Delete(h, i, i+1), nil
	default:
		return nil, fmt.Errorf("%q is not in a map or list", key)
	}
}

func set(value any) change {
	return func(holder any, key string) (any, error) {
		switch h := holder.(type) {
		case map[string]any:
			h[key] = value
			return h, nil
		case []any:
			if key == "-" {
				return append(h, value), nil
			}
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(h) {
				return nil, fmt.Errorf("there is no item %q to set", key)
			}
			h[i] = value
			return h, nil
		default:
			return nil, fmt.Errorf("%q is not in a map or list", key)
		}
	}
}

// edit changes one place. Maps that are missing on the way are made.
func edit(root any, pointer string, do change) (any, error) {
	steps, err := steps(pointer)
	if err != nil {
		return nil, err
	}
	out, err := editAt(root, steps, do)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", pointer, err)
	}
	return out, nil
}

func editAt(holder any, steps []string, do change) (any, error) {
	if len(steps) == 1 {
		return do(holder, steps[0])
	}
	switch h := holder.(type) {
	case map[string]any:
		inner := h[steps[0]]
		if inner == nil {
			inner = map[string]any{}
		}
		inner, err := editAt(inner, steps[1:], do)
		h[steps[0]] = inner
		return h, err
	case []any:
		i, err := strconv.Atoi(steps[0])
		if err != nil || i >= len(h) {
			return nil, fmt.Errorf("there is no item %q", steps[0])
		}
		h[i], err = editAt(h[i], steps[1:], do)
		return h, err
	default:
		return nil, fmt.Errorf("%q is in no map or list", steps[0])
	}
}

// at reads one place.
func at(root any, pointer string) (any, error) {
	steps, err := steps(pointer)
	if err != nil {
		return nil, err
	}
	for _, step := range steps {
		switch h := root.(type) {
		case map[string]any:
			root = h[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(h) {
				return nil, fmt.Errorf("%s: there is no item %q", pointer, step)
			}
			root = h[i]
		default:
			root = nil
		}
	}
	if root == nil {
		return nil, fmt.Errorf("%s: nothing stands there", pointer)
	}
	return root, nil
}

func steps(pointer string) ([]string, error) {
	rest, ok := strings.CutPrefix(pointer, "/")
	if !ok {
		return nil, fmt.Errorf("%q does not begin with a slash", pointer)
	}
	parts := strings.Split(rest, "/")
	for i, part := range parts {
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
	}
	return parts, nil
}

// copied copies a YAML tree, so that no two cases share a part of it.
func copied(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = copied(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = copied(item)
		}
		return out
	default:
		return value
	}
}
