// Package cost estimates what an environment costs in a month, from its spec, a
// table of prices and how much of it is used.
//
// It is pure: the day, the prices and the use are handed in. It must never guess
// a price that the table does not have, nor let a sum look whole that is not.
package cost

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"strake/generator/spec"
)

// Amounts are US dollars of a month in three ways to run the same thing. Nil is
// not known.
type Amounts struct {
	// AlwaysOn is the whole month, without Spot.
	AlwaysOn *float64 `json:"alwaysOn"`
	// OnDemand is only the hours of use, without Spot.
	OnDemand *float64 `json:"onDemand"`
	// Declared is the hours of use, with Spot for the pools that the spec has as Spot.
	Declared *float64 `json:"declared"`
}

// Row is one thing that costs.
type Row struct {
	// Kind is nodes, disks, pods, storage or fee.
	Kind string `json:"kind"`
	// Pool is the node pool, where there is one.
	Pool string `json:"pool,omitempty"`
	// What it is: a machine type, a disk.
	What  string  `json:"what"`
	Nodes float64 `json:"nodes"`
	Hours float64 `json:"hours"`
	// NodeHour is what one node costs in an hour, as declared.
	NodeHour *float64 `json:"nodeHour,omitempty"`
	Amounts
}

// Missing is a price that the table does not have.
type Missing struct {
	Region string `json:"region"`
	Item   string `json:"item"`
	// For is what needs it: a pool.
	For string `json:"for"`
}

// Environment is the estimate of one environment.
type Environment struct {
	Name     string `json:"name"`
	Region   string `json:"region"`
	Location string `json:"location"`
	Mode     string `json:"mode"`
	// Hours that the cluster exists.
	Hours float64 `json:"hours"`
	Rows  []Row   `json:"rows"`
	// Sum is all rows. What is not known is not in it: see Missing.
	Sum Amounts `json:"sum"`
	// Credit is the free tier, once per billing account, and Total the sum without it.
	Credit Amounts `json:"credit"`
	Total  Amounts `json:"total"`
	// Missing prices make the sums too low.
	Missing []Missing `json:"missing"`
	// Uncounted is what costs and is not estimated here.
	Uncounted []string `json:"uncounted"`
}

// Estimate is what the environments cost.
type Estimate struct {
	// Version of this form.
	Version  int    `json:"version"`
	Currency string `json:"currency"`
	// Generated is the day of the prices, Source where they are from.
	Generated string `json:"generated"`
	Source    string `json:"source"`
	AgeDays   int    `json:"ageDays"`
	// Stale says that the prices are older than 90 days.
	Stale bool `json:"stale"`
	// Complete says that no price is missing.
	Complete     bool          `json:"complete"`
	Environments []Environment `json:"environments"`
	// Total is that of all environments.
	Total Amounts `json:"total"`
}

// Options say how to estimate.
type Options struct {
	// Use wins over what the spec says.
	Use Use
	// FreeTier takes the credit of one billing account into account.
	FreeTier bool
	Today    time.Time
}

// Of estimates environments.
func Of(environments []*spec.Effective, p *Prices, o Options) *Estimate {
	out := &Estimate{Version: 1, Currency: "USD", Generated: p.Generated, Source: p.Source, Complete: true, Environments: []Environment{}}
	out.AgeDays, out.Stale = p.age(o.Today)
	for _, e := range environments {
		c := calculation{e: e, prices: p, use: used(e, o.Use), region: region(e)}
		env := c.environment()
		out.Complete = out.Complete && len(env.Missing) == 0
		out.Environments = append(out.Environments, env)
	}
	if o.FreeTier {
		credit(out.Environments, p.Cluster)
	}
	add := func(a ...float64) float64 { return a[0] + a[1] }
	out.Total = Amounts{dollars(0), dollars(0), dollars(0)}
	for i := range out.Environments {
		env := &out.Environments[i]
		env.Total = each(add, env.Sum, env.Credit)
		out.Total = each(add, out.Total, env.Total)
	}
	return out
}

// credit takes the free tier off one environment: the one with the highest fee
// of those that it is for, since a billing account has it once
// (https://cloud.google.com/kubernetes-engine/pricing).
func credit(environments []Environment, p ClusterPrices) {
	best := -1
	for i, env := range environments {
		if (env.Mode == "autopilot" || zone.MatchString(env.Location)) && (best < 0 || env.Hours > environments[best].Hours) {
			best = i
		}
	}
	if best < 0 {
		return
	}
	env := &environments[best]
	for _, r := range env.Rows {
		if r.Kind == "fee" {
			env.Credit = each(func(a ...float64) float64 { return -min(p.FreeTier, a[0]) }, r.Amounts)
		}
	}
}

var zone = regexp.MustCompile(`-[a-z]$`)

// region is where the machines are.
func region(e *spec.Effective) string {
	return zone.ReplaceAllString(cmp.Or(e.Cluster.Location, e.Cloud.Region), "")
}

// calculation is that of one environment.
type calculation struct {
	e       *spec.Effective
	prices  *Prices
	use     Use
	region  string
	rows    []Row
	missing []Missing
}

func (c *calculation) environment() Environment {
	if c.e.Cluster.Mode == "autopilot" {
		c.pods()
	} else {
		for _, p := range c.e.Cluster.NodePools {
			c.pool(p)
		}
	}
	if c.use.Storage > 0 {
		c.storage()
	}
	hour := c.prices.Cluster.Hour
	c.rows = append(c.rows, Row{Kind: "fee", What: "management fee", Hours: c.use.Hours, Amounts: Amounts{
		AlwaysOn: dollars(hour * spec.HoursInMonth), OnDemand: dollars(hour * c.use.Hours), Declared: dollars(hour * c.use.Hours),
	}})
	env := Environment{
		Name: c.e.Environment, Region: c.region, Location: cmp.Or(c.e.Cluster.Location, c.e.Cloud.Region), Mode: cmp.Or(c.e.Cluster.Mode, "standard"),
		Hours: c.use.Hours, Rows: c.rows, Missing: slices.Concat([]Missing{}, c.missing), Uncounted: c.uncounted(),
	}
	env.Sum = sum(c.rows)
	env.Credit = Amounts{dollars(0), dollars(0), dollars(0)}
	return env
}

// pool is the nodes of a pool and their boot disks.
func (c *calculation) pool(p spec.NodePool) {
	use := c.use.of(p)
	rates, known := c.prices.Regions[c.region].Machines[p.MachineType]
	what := cmp.Or(p.MachineType, "an unnamed machine type")
	if gpu := p.GPU; gpu != nil && !included(p.MachineType) {
		what += fmt.Sprintf(" with %d × %s", gpu.Count, gpu.Type)
		extra, found := c.prices.Regions[c.region].Accelerators[gpu.Type]
		if !found && use.Nodes > 0 {
			c.lacks(gpu.Type, p.Name)
		}
		rates = Rate{plus(rates.OnDemand, extra.OnDemand, float64(gpu.Count)), plus(rates.Spot, extra.Spot, float64(gpu.Count))}
	}
	own, declared := rates.OnDemand, use.Hours
	if p.Spot {
		own = rates.Spot
		declared *= 1 + c.use.SpotRestarts/100
	}
	// What no node needs is missed by nobody.
	switch {
	case use.Nodes == 0:
	case !known:
		c.lacks(cmp.Or(p.MachineType, "an unnamed machine type"), p.Name)
	case rates.OnDemand == nil:
		c.lacks(what+" on demand", p.Name)
	case own == nil:
		c.lacks(what+" as Spot", p.Name)
	}
	if p.Spot {
		what += " Spot"
	}
	c.rows = append(c.rows, Row{Kind: "nodes", Pool: p.Name, What: what, Nodes: use.Nodes, Hours: use.Hours, NodeHour: own, Amounts: Amounts{
		AlwaysOn: times(rates.OnDemand, use.Nodes*spec.HoursInMonth),
		OnDemand: times(rates.OnDemand, use.Nodes*use.Hours),
		Declared: times(own, use.Nodes*declared),
	}})
	size, kind := p.DiskGb, cmp.Or(p.DiskType, "pd-balanced")
	if size == 0 {
		size = 100 // GKE's default
	}
	var month *float64
	if price, found := c.prices.Regions[c.region].Disks[kind]; found {
		month = dollars(price * float64(size))
	} else if use.Nodes > 0 {
		c.lacks(kind, p.Name)
	}
	c.rows = append(c.rows, Row{Kind: "disks", Pool: p.Name, What: strconv.Itoa(size) + " GiB " + kind, Nodes: use.Nodes, Hours: use.Hours, Amounts: Amounts{
		AlwaysOn: times(month, use.Nodes),
		OnDemand: times(month, use.Nodes*use.Hours/spec.HoursInMonth),
		Declared: times(month, use.Nodes*declared/spec.HoursInMonth),
	}})
}

// pods are the services of tenants on Autopilot, which bills what they ask for.
func (c *calculation) pods() {
	rates := c.prices.Regions[c.region].Autopilot
	for _, t := range c.e.Tenants {
		for i := range t.Services {
			s := &t.Services[i]
			cpu, memory := s.Asks()
			row := Row{
				Kind: "pods", Nodes: float64(s.Replicas), Hours: c.use.Hours,
				What: fmt.Sprintf("%s/%s: %s vCPU, %s GiB", t.Name, s.Name, short(cpu), short(memory)),
			}
			if rates == nil || rates.CPU == nil || rates.Memory == nil {
				c.lacks("pods on Autopilot", t.Name+"/"+s.Name)
			} else {
				hour := float64(s.Replicas) * (cpu**rates.CPU + memory**rates.Memory)
				row.Amounts = Amounts{dollars(hour * spec.HoursInMonth), dollars(hour * c.use.Hours), dollars(hour * c.use.Hours)}
			}
			c.rows = append(c.rows, row)
		}
	}
}

func (c *calculation) storage() {
	price := c.prices.Regions[c.region].Storage
	if price == nil {
		c.lacks("Cloud Storage", "buckets")
	}
	month := times(price, c.use.Storage)
	c.rows = append(c.rows, Row{Kind: "storage", What: short(c.use.Storage) + " GiB in buckets", Hours: spec.HoursInMonth, Amounts: Amounts{month, month, month}})
}

func (c *calculation) lacks(item, who string) {
	c.missing = append(c.missing, Missing{Region: c.region, Item: item, For: who})
}

// uncounted is what the spec has that costs and is not in the rows.
func (c *calculation) uncounted() []string {
	out := []string{}
	var databases []string
	for _, d := range c.e.Databases {
		databases = append(databases, d.Name)
	}
	if a := c.e.Archive; a != nil && a.PostgreSQL != nil && a.PostgreSQL.CloudSQL != "" && !slices.Contains(databases, a.PostgreSQL.CloudSQL) {
		databases = append(databases, a.PostgreSQL.CloudSQL)
	}
	if len(databases) > 0 {
		out = append(out, "Cloud SQL: "+strings.Join(databases, ", "))
	}
	if n := c.e.Network; c.e.Cluster.Private || n != nil && len(n.NATFor) > 0 {
		out = append(out, "Cloud NAT")
	}
	balancers := 0
	for _, t := range c.e.Tenants {
		for _, s := range t.Services {
			if s.IAP != nil {
				balancers++
			}
		}
	}
	if balancers > 0 {
		out = append(out, fmt.Sprintf("load balancers: %d", balancers))
	}
	if c.e.Cluster.Mode == "autopilot" {
		out = append(out, "pods of workflows, controllers and operators on Autopilot")
	}
	if c.use.Storage == 0 {
		out = append(out, "what buckets hold")
	}
	return append(out, "BigQuery, logs, egress, taxes", "discounts for sustained and committed use")
}

// dollars are rounded to a millionth: what a floating point number has beyond
// that is noise.
func dollars(x float64) *float64 {
	x = math.Round(x*1e6) / 1e6
	return &x
}

// times is a price by a number; an unknown price of nothing is nothing.
func times(price *float64, n float64) *float64 {
	switch {
	case n == 0:
		return dollars(0)
	case price == nil:
		return nil
	}
	return dollars(*price * n)
}

// plus adds accelerators to a machine.
func plus(machine, extra *float64, count float64) *float64 {
	if machine == nil || extra == nil {
		return nil
	}
	return dollars(*machine + *extra*count)
}

// sum adds what is known.
func sum(rows []Row) Amounts {
	total := Amounts{dollars(0), dollars(0), dollars(0)}
	add := func(to, x *float64) {
		if x != nil {
			*to = *dollars(*to + *x)
		}
	}
	for _, r := range rows {
		add(total.AlwaysOn, r.AlwaysOn)
		add(total.OnDemand, r.OnDemand)
		add(total.Declared, r.Declared)
	}
	return total
}

// each applies a function to the amounts of one way to run after the other.
func each(f func(...float64) float64, all ...Amounts) Amounts {
	pick := func(get func(Amounts) *float64) *float64 {
		var values []float64
		for _, a := range all {
			x := get(a)
			if x == nil {
				return nil
			}
			values = append(values, *x)
		}
		return dollars(f(values...))
	}
	return Amounts{
		AlwaysOn: pick(func(a Amounts) *float64 { return a.AlwaysOn }),
		OnDemand: pick(func(a Amounts) *float64 { return a.OnDemand }),
		Declared: pick(func(a Amounts) *float64 { return a.Declared }),
	}
}

// short prints a number without zeros at its end.
func short(x float64) string {
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(x, 'f', 2, 64), "0"), ".")
}
