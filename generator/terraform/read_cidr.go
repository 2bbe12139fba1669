package terraform

import (
	"errors"
	"fmt"
	"math/big"
	"net/netip"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// cidrFunction takes a prefix and numbers.
func cidrFunction(numbers int, variadic bool, result cty.Type, f func(p netip.Prefix, n []int64) (cty.Value, error)) function.Function {
	spec := &function.Spec{
		Params: []function.Parameter{{Name: "prefix", Type: cty.String}},
		Type:   function.StaticReturnType(result),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			p, err := netip.ParsePrefix(args[0].AsString())
			if err != nil {
				return cty.UnknownVal(result), fmt.Errorf("%q is no range of addresses", args[0].AsString())
			}
			var n []int64
			for _, a := range args[1:] {
				i, accuracy := a.AsBigFloat().Int64()
				if accuracy != big.Exact {
					return cty.UnknownVal(result), errors.New("a number is not whole")
				}
				n = append(n, i)
			}
			return f(p.Masked(), n)
		},
	}
	for range numbers {
		spec.Params = append(spec.Params, function.Parameter{Name: "number", Type: cty.Number})
	}
	if variadic {
		spec.VarParam = &function.Parameter{Name: "bits", Type: cty.Number}
	}
	return function.New(spec)
}

// plus is the address n after another one.
func plus(a netip.Addr, n *big.Int) (netip.Addr, bool) {
	sum := new(big.Int).Add(new(big.Int).SetBytes(a.AsSlice()), n)
	raw := make([]byte, a.BitLen()/8)
	if sum.Sign() < 0 || sum.BitLen() > a.BitLen() {
		return a, false
	}
	return netip.AddrFromSlice(sum.FillBytes(raw))
}

// power is 2 to the n.
func power(n int) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(max(0, n))) }

func subnet(p netip.Prefix, bits, number int64) (netip.Prefix, error) {
	length := int64(p.Bits()) + bits
	if bits < 0 || length > int64(p.Addr().BitLen()) {
		return p, errors.New("the range is too small to be divided so")
	}
	if number < 0 || big.NewInt(number).Cmp(power(int(bits))) >= 0 {
		return p, errors.New("there is no range of that number")
	}
	at, ok := plus(p.Addr(), new(big.Int).Mul(big.NewInt(number), power(p.Addr().BitLen()-int(length))))
	if !ok {
		return p, errors.New("there is no range of that number")
	}
	return netip.PrefixFrom(at, int(length)), nil
}

func cidrsubnetFunction() function.Function {
	return cidrFunction(2, false, cty.String, func(p netip.Prefix, n []int64) (cty.Value, error) {
		sub, err := subnet(p, n[0], n[1])
		return cty.StringVal(sub.String()), err
	})
}

func cidrhostFunction() function.Function {
	return cidrFunction(1, false, cty.String, func(p netip.Prefix, n []int64) (cty.Value, error) {
		count, host := power(p.Addr().BitLen()-p.Bits()), big.NewInt(n[0])
		if host.Sign() < 0 {
			host.Add(host, count)
		}
		at, ok := plus(p.Addr(), host)
		if host.Sign() < 0 || host.Cmp(count) >= 0 || !ok {
			return cty.UnknownVal(cty.String), errors.New("there is no host of that number")
		}
		return cty.StringVal(at.String()), nil
	})
}

func cidrnetmaskFunction() function.Function {
	return cidrFunction(0, false, cty.String, func(p netip.Prefix, _ []int64) (cty.Value, error) {
		if !p.Addr().Is4() {
			return cty.UnknownVal(cty.String), errors.New("cidrnetmask() takes an IPv4 range")
		}
		mask := new(big.Int).Sub(power(32), power(32-p.Bits()))
		at, _ := netip.AddrFromSlice(mask.FillBytes(make([]byte, 4)))
		return cty.StringVal(at.String()), nil
	})
}

// cidrsubnetsFunction gives consecutive ranges, each on a border of its own
// size.
func cidrsubnetsFunction() function.Function {
	return cidrFunction(0, true, cty.List(cty.String), func(p netip.Prefix, n []int64) (cty.Value, error) {
		if len(n) == 0 {
			return cty.ListValEmpty(cty.String), nil
		}
		total := p.Addr().BitLen()
		next := new(big.Int) // offset from the start
		var out []cty.Value
		for _, bits := range n {
			length := int64(p.Bits()) + bits
			if bits < 0 || length > int64(total) {
				return cty.UnknownVal(cty.List(cty.String)), errors.New("the range is too small to be divided so")
			}
			step := power(total - int(length))
			if rest := new(big.Int).Mod(next, step); rest.Sign() > 0 {
				next.Add(next, new(big.Int).Sub(step, rest))
			}
			at, ok := plus(p.Addr(), next)
			if !ok || !p.Contains(at) {
				return cty.UnknownVal(cty.List(cty.String)), errors.New("the range is too small to be divided so")
			}
			out = append(out, cty.StringVal(netip.PrefixFrom(at, int(length)).String()))
			next.Add(next, step)
		}
		return cty.ListVal(out), nil
	})
}
