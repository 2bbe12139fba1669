package cost

import (
	_ "embed" // the table of prices
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

//go:embed prices.yaml
var embedded []byte

// Prices is a table of what Google Cloud asks for, in US dollars. What it does
// not have is not known: nothing stands in for it.
type Prices struct {
	// Generated is the day of the table, 2026-07-30.
	Generated string `json:"generated"`
	// Source is where the numbers are from.
	Source  string            `json:"source"`
	Cluster ClusterPrices     `json:"cluster"`
	Regions map[string]Region `json:"regions"`
}

// ClusterPrices are those of a cluster, whatever runs in it.
type ClusterPrices struct {
	// Hour is the management fee.
	Hour float64 `json:"hour"`
	// FreeTier is the credit of a month, once per billing account.
	FreeTier float64 `json:"freeTier"`
}

// Region is what depends on the place.
type Region struct {
	Machines map[string]Rate `json:"machines"`
	// Accelerators are those that a machine type does not include, each.
	Accelerators map[string]Rate `json:"accelerators"`
	// Disks are for a GiB and month.
	Disks map[string]float64 `json:"disks"`
	// Storage is Cloud Storage, for a GiB and month.
	Storage *float64 `json:"storage"`
	// Autopilot is what pods pay that ask for resources.
	Autopilot *Autopilot `json:"autopilot"`
}

// Rate is the price of an hour.
type Rate struct {
	OnDemand *float64 `json:"onDemand"`
	Spot     *float64 `json:"spot"`
}

// Autopilot is the price of an hour of what pods ask for.
type Autopilot struct {
	CPU    *float64 `json:"cpu"`
	Memory *float64 `json:"memory"` // of a GiB
}

// staleAfter is the age at which a table is said to be old: Spot prices change
// up to once a month.
const staleAfter = 90 * 24 * time.Hour

// Embedded is the table that comes with this version.
func Embedded() (*Prices, error) { return Parse(embedded) }

// Parse reads a table. An unknown key is an error: a price under a wrong name
// would be missing without a word.
func Parse(data []byte) (*Prices, error) {
	var p Prices
	if err := yaml.UnmarshalStrict(data, &p); err != nil {
		return nil, fmt.Errorf("parse prices: %w", err)
	}
	if err := p.valid(); err != nil {
		return nil, fmt.Errorf("parse prices: %w", err)
	}
	return &p, nil
}

func (p *Prices) valid() error {
	var problems []error
	if _, err := time.Parse(time.DateOnly, p.Generated); err != nil {
		problems = append(problems, errors.New("generated is not a day such as 2026-07-30"))
	}
	if len(p.Regions) == 0 {
		problems = append(problems, errors.New("regions is empty"))
	}
	bad := func(where string, price float64) {
		if price < 0 {
			problems = append(problems, fmt.Errorf("%s is %v", where, price))
		}
	}
	bad("cluster.hour", p.Cluster.Hour)
	bad("cluster.freeTier", p.Cluster.FreeTier)
	for name, region := range p.Regions {
		for disk, price := range region.Disks {
			bad(name+".disks."+disk, price)
		}
		for _, rates := range []map[string]Rate{region.Machines, region.Accelerators} {
			for machine, rate := range rates {
				for _, price := range []*float64{rate.OnDemand, rate.Spot} {
					if price != nil {
						bad(name+"."+machine, *price)
					}
				}
			}
		}
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(problems...)
}

// age is how old the table is today, in whole days.
func (p *Prices) age(today time.Time) (days int, stale bool) {
	made, err := time.Parse(time.DateOnly, p.Generated)
	if err != nil {
		return 0, true
	}
	age := today.Sub(made)
	return int(age.Hours() / 24), age > staleAfter
}

// included reports whether the price of a machine type holds its accelerators.
func included(machine string) bool {
	family, _, _ := strings.Cut(machine, "-")
	return slices.Contains([]string{"a2", "a3", "a4", "a4x", "g2", "g4"}, family)
}
