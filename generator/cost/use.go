package cost

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"strake/generator/spec"
)

// Use is how much of an environment is used in a month.
type Use struct {
	// Hours that the cluster exists. 0 is the whole month.
	Hours float64
	// Pools by name. One that is not named has its least number of nodes, as long
	// as the cluster exists.
	Pools map[string]PoolUse
	// Storage is what the buckets hold, in GiB.
	Storage float64
	// SpotRestarts is how much longer Spot nodes run because work begins again, in
	// per cent.
	SpotRestarts float64
}

// PoolUse is how much of a pool is used.
type PoolUse struct {
	Nodes float64
	// Hours that the nodes run. 0 is as long as the cluster exists.
	Hours float64
}

// ParsePool reads NAME=NODES or NAME=NODESxHOURS.
func ParsePool(s string) (name string, use PoolUse, err error) {
	wrong := fmt.Errorf("%q is not NAME=NODES or NAME=NODESxHOURS, such as spot=5x10", s)
	name, rest, found := strings.Cut(s, "=")
	if !found || name == "" {
		return "", PoolUse{}, wrong
	}
	nodes, hours, timed := strings.Cut(rest, "x")
	if use.Nodes, err = amount(nodes); err != nil {
		return "", PoolUse{}, wrong
	}
	if timed {
		if use.Hours, err = amount(hours); err != nil || use.Hours == 0 || use.Hours > spec.HoursInMonth {
			return "", PoolUse{}, wrong
		}
	}
	return name, use, nil
}

func amount(s string) (float64, error) {
	n, err := strconv.ParseFloat(s, 64)
	if err == nil && !(n >= 0 && n <= 1e6) {
		return 0, strconv.ErrRange
	}
	return n, err
}

// used is what the spec says, with what somebody asks for over it.
func used(e *spec.Effective, over Use) Use {
	u := Use{Pools: map[string]PoolUse{}}
	if c := e.Cost; c != nil {
		u.Hours, u.Storage, u.SpotRestarts = float64(c.HoursPerMonth), float64(c.StorageGb), float64(c.SpotRestarts)
		for name, p := range c.Pools {
			u.Pools[name] = PoolUse{Nodes: float64(p.Nodes), Hours: float64(p.Hours)}
		}
	}
	if over.Hours > 0 {
		u.Hours = over.Hours
	}
	if over.Storage > 0 {
		u.Storage = over.Storage
	}
	if over.SpotRestarts > 0 {
		u.SpotRestarts = over.SpotRestarts
	}
	maps.Copy(u.Pools, over.Pools)
	if u.Hours == 0 {
		u.Hours = spec.HoursInMonth
	}
	return u
}

// of is the use of one pool: no node outlives its cluster.
func (u Use) of(p spec.NodePool) PoolUse {
	use, said := u.Pools[p.Name]
	if !said {
		use = PoolUse{Nodes: float64(p.Min)}
	}
	if use.Hours == 0 || use.Hours > u.Hours {
		use.Hours = u.Hours
	}
	return use
}
