package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"strake/generator/cost"
	"strake/generator/diag"
	"strake/generator/report"
	"strake/generator/spec"
)

// costOptions are the flags of cost.
type costOptions struct {
	environments    []string
	format, prices  string
	pools           []string
	hours           float64
	storage, longer float64
	noFreeTier      bool
}

func newCost(g *global) *cobra.Command {
	var o costOptions
	cmd := &cobra.Command{
		Use:   "cost",
		Short: "Estimate what each environment costs in a month",
		Long: `Cost estimates what the clusters cost in a month, pool by pool, in three ways to
run them: always on; on demand for the hours of use; and as declared, with Spot
for the pools that are Spot. The boot disks and the management fee are in it, and
the free tier once.

How much is used stands in the spec under cost, or is said here. A pool that is
not named runs its least number of nodes for as long as the cluster exists:

  strake cost --env dev --hours 10 --pool spot=5

Prices come from a dated table. One that it lacks is named, and the sum is marked.
--prices FILE brings another table, of the same form as
generator/cost/prices.yaml.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return g.cost(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.StringSliceVarP(&o.environments, "env", "e", nil, "only these environments")
	flags.StringVar(&o.format, "format", "table", "table or json")
	flags.StringVar(&o.prices, "prices", "", "a table of prices")
	flags.StringArrayVar(&o.pools, "pool", nil, "how much of a pool runs: NAME=NODES or NAME=NODESxHOURS")
	flags.Float64Var(&o.hours, "hours", 0, "hours of the month that the cluster exists (default: the spec's, or 730)")
	flags.Float64Var(&o.storage, "storage", 0, "what the buckets hold, in GiB")
	flags.Float64Var(&o.longer, "spot-restarts", 0, "how much longer Spot nodes run because work begins again, in per cent")
	flags.BoolVar(&o.noFreeTier, "no-free-tier", false, "another cluster of the billing account has the free tier")
	return cmd
}

func (g *global) cost(ctx context.Context, o costOptions) (err error) {
	if !slices.Contains([]string{"table", "json"}, o.format) {
		return usagef("unknown format %q: table or json", o.format)
	}
	use, err := o.use()
	if err != nil {
		return err
	}
	prices, err := g.priceTable(o.prices)
	if err != nil {
		return err
	}
	w, err := g.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if w.specPath == "" {
		return usagef("cost needs a spec")
	}
	p, err := w.load(ctx)
	if err != nil {
		return err
	}
	if p.findings.AtLeast(diag.Error) {
		return w.refuse(p.findings, p.all)
	}
	chosen, err := p.choose(o.environments)
	if err != nil {
		return err
	}
	if err := knownPools(chosen, use); err != nil {
		return err
	}
	estimate := cost.Of(chosen, prices, cost.Options{Use: use, FreeTier: !o.noFreeTier, Today: g.env.Now()})
	if o.format == "json" {
		return report.CostJSON(g.env.Stdout, estimate)
	}
	return report.CostTable(g.env.Stdout, estimate)
}

// use is what the flags say.
func (o costOptions) use() (cost.Use, error) {
	use := cost.Use{Hours: o.hours, Storage: o.storage, SpotRestarts: o.longer, Pools: map[string]cost.PoolUse{}}
	if o.hours < 0 || o.hours > spec.HoursInMonth {
		return use, usagef("--hours is %v: a month has %d", o.hours, spec.HoursInMonth)
	}
	if o.storage < 0 || o.longer < 0 {
		return use, usagef("--storage and --spot-restarts are no less than 0")
	}
	for _, text := range o.pools {
		name, p, err := cost.ParsePool(text)
		if err != nil {
			return use, usagef("--pool: %w", err)
		}
		use.Pools[name] = p
	}
	return use, nil
}

// priceTable is the table that was named, or the embedded one.
func (g *global) priceTable(name string) (*cost.Prices, error) {
	if name == "" {
		return cost.Embedded()
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(g.env.Dir, name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read prices: %w", err)
	}
	return cost.Parse(data)
}

// knownPools refuses the name of a pool that no chosen environment has.
func knownPools(chosen []*spec.Effective, use cost.Use) error {
	var names []string
	for _, e := range chosen {
		for _, p := range e.Cluster.NodePools {
			if !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(use.Pools)) {
		if slices.Contains(names, name) {
			continue
		}
		hint := "there are no pools"
		if len(names) > 0 {
			hint = "there are " + strings.Join(names, ", ")
		}
		if near := diag.DidYouMean(name, names); near != "" {
			hint = "did you mean " + near + "?"
		}
		return usagef("unknown pool %q: %s", name, hint)
	}
	return nil
}
