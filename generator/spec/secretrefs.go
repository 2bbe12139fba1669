package spec

import "reflect"

// SecretExists reports whether a secret of the store is only referred to, and
// never created: anything that names it may say so, and the store may for all.
func (e *Effective) SecretExists(name string) bool {
	if e.Secrets != nil && e.Secrets.GCPSecretManager != nil && e.Secrets.GCPSecretManager.Existing {
		return true
	}
	exists := false
	eachOf(reflect.ValueOf(*e), func(r SecretRef) { exists = exists || r.Existing && r.Secret == name })
	eachOf(reflect.ValueOf(*e), func(u UserSecret) { exists = exists || u.Existing && (u.Username == name || u.Password == name) })
	return exists
}

// eachOf calls do for each value of a type in the spec.
func eachOf[T any](v reflect.Value, do func(T)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			eachOf(v.Elem(), do)
		}
	case reflect.Struct:
		if t, ok := reflect.TypeAssert[T](v); ok {
			do(t)
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				eachOf(v.Field(i), do)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachOf(v.Index(i), do)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			eachOf(v.MapIndex(key), do)
		}
	}
}
