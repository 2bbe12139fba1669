package terraform

import (
	"crypto/md5" //nolint:gosec // Terraform's md5(): the name of a thing, no protection
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"sigs.k8s.io/yaml"
)

// functionTable is Terraform's functions: those that depend on their arguments
// only, and the names of the others. Names: the Functions pages of
// developer.hashicorp.com/terraform/language/functions, version 1.14.
type functionTable struct {
	pure  map[string]function.Function
	other []string
}

func (t functionTable) known(name string) bool {
	_, ok := t.pure[name]
	return ok || slices.Contains(t.other, name) || strings.HasPrefix(name, "provider::")
}

func (t functionTable) names() []string {
	return append(slices.Collect(maps.Keys(t.pure)), t.other...)
}

func functions() functionTable {
	pure := map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "log": stdlib.LogFunc,
		"max": stdlib.MaxFunc, "min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "pow": stdlib.PowFunc, "signum": stdlib.SignumFunc,
		"chomp": stdlib.ChompFunc, "format": stdlib.FormatFunc, "formatlist": stdlib.FormatListFunc, "indent": stdlib.IndentFunc,
		"join": stdlib.JoinFunc, "lower": stdlib.LowerFunc, "regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc,
		"split": stdlib.SplitFunc, "strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc, "title": stdlib.TitleFunc,
		"trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc, "trimsuffix": stdlib.TrimSuffixFunc,
		"trimspace": stdlib.TrimSpaceFunc, "upper": stdlib.UpperFunc,
		"chunklist": stdlib.ChunklistFunc, "coalesce": coalesceFunction(), "coalescelist": stdlib.CoalesceListFunc,
		"compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc, "distinct": stdlib.DistinctFunc,
		"element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc, "keys": stdlib.KeysFunc, "merge": stdlib.MergeFunc,
		"range": stdlib.RangeFunc, "reverse": stdlib.ReverseListFunc,
		"setintersection": stdlib.SetIntersectionFunc, "setproduct": stdlib.SetProductFunc, "setsubtract": stdlib.SetSubtractFunc,
		"setunion": stdlib.SetUnionFunc, "slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "values": stdlib.ValuesFunc,
		"zipmap": stdlib.ZipmapFunc, "csvdecode": stdlib.CSVDecodeFunc, "jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc,
		"formatdate": stdlib.FormatDateFunc, "timeadd": stdlib.TimeAddFunc,
		"tostring": toFunction(cty.String), "tonumber": toFunction(cty.Number), "tobool": toFunction(cty.Bool),
		"tolist": toFunction(cty.List(cty.DynamicPseudoType)), "toset": toFunction(cty.Set(cty.DynamicPseudoType)), "tomap": toFunction(cty.Map(cty.DynamicPseudoType)),
		"length": lengthFunction(), "lookup": lookupFunction(), "replace": replaceFunction(), "one": oneFunction(),
		"alltrue": truths(true), "anytrue": truths(false), "sum": sumFunction(), "index": indexFunction(), "matchkeys": matchkeysFunction(),
		"yamldecode":  yamldecodeFunction(),
		"cidrhost":    cidrhostFunction(),
		"cidrnetmask": cidrnetmaskFunction(),
		"cidrsubnet":  cidrsubnetFunction(),
		"cidrsubnets": cidrsubnetsFunction(),
	}
	for name, f := range map[string]func(string) (string, error){
		"base64encode": func(s string) (string, error) { return base64.StdEncoding.EncodeToString([]byte(s)), nil },
		"base64decode": decode64,
		"md5": func(s string) (string, error) {
			sum := md5.Sum([]byte(s))
			return hex.EncodeToString(sum[:]), nil
		},
		"sha1": func(s string) (string, error) {
			sum := sha1.Sum([]byte(s))
			return hex.EncodeToString(sum[:]), nil
		},
		"sha256": func(s string) (string, error) {
			sum := sha256.Sum256([]byte(s))
			return hex.EncodeToString(sum[:]), nil
		},
		"sha512": func(s string) (string, error) {
			sum := sha512.Sum512([]byte(s))
			return hex.EncodeToString(sum[:]), nil
		},
		"urlencode": func(s string) (string, error) { return url.QueryEscape(s), nil },
		"basename":  func(s string) (string, error) { return path.Base(s), nil },
		"dirname":   func(s string) (string, error) { return path.Dir(s), nil },
		"pathexpand": func(s string) (string, error) {
			if strings.HasPrefix(s, "~") {
				return "", errors.New("the home directory is not known")
			}
			return s, nil
		},
	} {
		pure[name] = textFunction(f)
	}
	for name, f := range map[string]func(a, b string) bool{
		"startswith": strings.HasPrefix, "endswith": strings.HasSuffix, "strcontains": strings.Contains,
	} {
		pure[name] = testFunction(f)
	}
	return functionTable{pure: pure, other: []string{
		"abspath", "base64gzip", "base64sha256", "base64sha512", "bcrypt", "can", "ephemeralasnull", "file", "filebase64",
		"filebase64sha256", "filebase64sha512", "fileexists", "filemd5", "fileset", "filesha1", "filesha256", "filesha512",
		"issensitive", "list", "map", "nonsensitive", "plantimestamp", "rsadecrypt", "sensitive", "templatefile",
		"templatestring", "textdecodebase64", "textencodebase64", "timecmp", "timestamp", "transpose", "try", "type", "uuid", "uuidv5",
		"yamlencode", "urldecode", "base64gunzip", "cidrcontains", "convert",
	}}
}

func decode64(s string) (string, error) {
	out, err := base64.StdEncoding.DecodeString(s)
	if err != nil || !utf8.Valid(out) {
		return "", errors.New("it is no text in base64")
	}
	return string(out), nil
}

func textFunction(f func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			out, err := f(args[0].AsString())
			return cty.StringVal(out), err
		},
	})
}

func testFunction(f func(a, b string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}, {Name: "part", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(f(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

// anyFunction takes values of any type, and gives one of any type.
func anyFunction(params int, variadic bool, f func(args []cty.Value) (cty.Value, error)) function.Function {
	spec := &function.Spec{
		Type: function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f(args) },
	}
	for range params {
		spec.Params = append(spec.Params, function.Parameter{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true})
	}
	if variadic {
		spec.VarParam = &function.Parameter{Name: "more", Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true}
	}
	return function.New(spec)
}

// lengthFunction counts characters of strings too, as Terraform's does.
func lengthFunction() function.Function {
	return anyFunction(1, false, func(args []cty.Value) (cty.Value, error) {
		if !args[0].IsNull() && args[0].Type() == cty.String {
			return stdlib.Strlen(args[0])
		}
		if !args[0].IsNull() && args[0].Type().IsObjectType() {
			return cty.NumberIntVal(int64(args[0].LengthInt())), nil
		}
		return stdlib.Length(args[0])
	})
}

// lookupFunction finds by key in maps and objects, whatever the type of the
// default.
func lookupFunction() function.Function {
	return anyFunction(2, true, func(args []cty.Value) (cty.Value, error) {
		from := args[0]
		key, err := convert.Convert(args[1], cty.String)
		if err != nil || key.IsNull() || from.IsNull() || !from.CanIterateElements() {
			return cty.DynamicVal, errors.New("lookup() takes a map and a key")
		}
		for it := from.ElementIterator(); it.Next(); {
			if k, v := it.Element(); k.Type() == cty.String && k.RawEquals(key) {
				return v, nil
			}
		}
		if len(args) > 2 {
			return args[2], nil
		}
		return cty.DynamicVal, errors.New("lookup() finds no such key")
	})
}

// replaceFunction takes /…/ for a regular expression.
func replaceFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}, {Name: "old", Type: cty.String}, {Name: "new", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			old := args[1].AsString()
			if len(old) > 1 && strings.HasPrefix(old, "/") && strings.HasSuffix(old, "/") {
				return stdlib.RegexReplace(args[0], cty.StringVal(old[1:len(old)-1]), args[2])
			}
			return cty.StringVal(strings.ReplaceAll(args[0].AsString(), old, args[2].AsString())), nil
		},
	})
}

// coalesceFunction skips empty strings too, as Terraform's does.
func coalesceFunction() function.Function {
	spec := &function.Spec{
		VarParam: &function.Parameter{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true},
		Type:     function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			for _, a := range args {
				if !a.IsKnown() {
					return cty.DynamicVal, nil
				}
				if !a.IsNull() && (a.Type() != cty.String || a.AsString() != "") {
					return a, nil
				}
			}
			return cty.DynamicVal, errors.New("coalesce() finds nothing that is set")
		},
	}
	return function.New(spec)
}

// elements lists what a list, set or tuple holds.
func elements(v cty.Value) ([]cty.Value, error) {
	if v.IsNull() || !v.CanIterateElements() || v.Type().IsMapType() || v.Type().IsObjectType() {
		return nil, errors.New("it takes a list")
	}
	var out []cty.Value
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		out = append(out, e)
	}
	return out, nil
}

func oneFunction() function.Function {
	return anyFunction(1, false, func(args []cty.Value) (cty.Value, error) {
		items, err := elements(args[0])
		switch {
		case err != nil:
			return cty.DynamicVal, err
		case len(items) == 0:
			return cty.NullVal(cty.DynamicPseudoType), nil
		case len(items) == 1:
			return items[0], nil
		}
		return cty.DynamicVal, errors.New("one() takes a list of at most one element")
	})
}

// truths is alltrue for true, anytrue for false.
func truths(all bool) function.Function {
	return anyFunction(1, false, func(args []cty.Value) (cty.Value, error) {
		items, err := elements(args[0])
		if err != nil {
			return cty.DynamicVal, err
		}
		doubt := false
		for _, item := range items {
			b, err := convert.Convert(item, cty.Bool)
			switch {
			case err != nil:
				return cty.DynamicVal, err
			case !b.IsKnown():
				doubt = true
			case b.IsNull() || b.True() != all:
				if all || (!b.IsNull() && b.True()) {
					return cty.BoolVal(!all), nil
				}
			}
		}
		if doubt {
			return cty.UnknownVal(cty.Bool), nil
		}
		return cty.BoolVal(all), nil
	})
}

func sumFunction() function.Function {
	return anyFunction(1, false, func(args []cty.Value) (cty.Value, error) {
		items, err := elements(args[0])
		if err != nil || len(items) == 0 {
			return cty.DynamicVal, errors.New("sum() takes a list of numbers")
		}
		sum := cty.Zero
		for _, item := range items {
			n, err := convert.Convert(item, cty.Number)
			if err != nil || n.IsNull() {
				return cty.DynamicVal, errors.New("sum() takes a list of numbers")
			}
			sum = sum.Add(n)
		}
		return sum, nil
	})
}

func indexFunction() function.Function {
	return anyFunction(2, false, func(args []cty.Value) (cty.Value, error) {
		items, err := elements(args[0])
		if err != nil {
			return cty.DynamicVal, err
		}
		for i, item := range items {
			same := item.Equals(args[1])
			if !same.IsKnown() {
				return cty.UnknownVal(cty.Number), nil
			}
			if same.True() {
				return cty.NumberIntVal(int64(i)), nil
			}
		}
		return cty.DynamicVal, errors.New("index() finds no such element")
	})
}

func matchkeysFunction() function.Function {
	return anyFunction(3, false, func(args []cty.Value) (cty.Value, error) {
		values, err1 := elements(args[0])
		keys, err2 := elements(args[1])
		wanted, err3 := elements(args[2])
		if err := errors.Join(err1, err2, err3); err != nil {
			return cty.DynamicVal, err
		}
		if len(values) != len(keys) {
			return cty.DynamicVal, errors.New("matchkeys() takes as many keys as values")
		}
		var out []cty.Value
		for i, key := range keys {
			for _, w := range wanted {
				same := key.Equals(w)
				if !same.IsKnown() {
					return cty.DynamicVal, nil
				}
				if same.True() {
					out = append(out, values[i])
					break
				}
			}
		}
		return cty.TupleVal(out), nil
	})
}

func yamldecodeFunction() function.Function {
	return anyFunction(1, false, func(args []cty.Value) (cty.Value, error) {
		text, err := convert.Convert(args[0], cty.String)
		if err != nil || text.IsNull() {
			return cty.DynamicVal, errors.New("yamldecode() takes a string")
		}
		data, err := yaml.YAMLToJSON([]byte(text.AsString()))
		if err != nil || len(data) > maxValue {
			return cty.DynamicVal, errors.New("it is no YAML")
		}
		return stdlib.JSONDecode(cty.StringVal(string(data)))
	})
}
