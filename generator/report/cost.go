package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"strake/generator/cost"
)

// CostJSON writes an estimate for programs.
func CostJSON(w io.Writer, e *cost.Estimate) error {
	data, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the estimate: %w", err)
	}
	if _, err := w.Write(append(data, '\n')); err != nil {
		return fmt.Errorf("write the estimate: %w", err)
	}
	return nil
}

// CostTable writes an estimate for people: a table for each environment, what is
// not in it, and how far the prices can be trusted.
func CostTable(w io.Writer, e *cost.Estimate) error {
	var out bytes.Buffer
	for i := range e.Environments {
		if i > 0 {
			out.WriteByte('\n')
		}
		costTable(&out, &e.Environments[i])
	}
	if len(e.Environments) > 1 {
		mark := ""
		if !e.Complete {
			mark = ">= "
		}
		fmt.Fprintf(&out, "\nall %d environments: always on %s%s, on demand %s%s, as declared %s%s\n", len(e.Environments),
			mark, money(e.Total.AlwaysOn), mark, money(e.Total.OnDemand), mark, money(e.Total.Declared))
	}
	fmt.Fprintf(&out, "\n%s a month, at the prices of %s: %s\n", e.Currency, e.Generated, e.Source)
	if e.Stale {
		fmt.Fprintf(&out, "These prices are %s old. Bring a table of today: --prices FILE\n", plural(e.AgeDays, "day"))
	}
	if !e.Complete {
		out.WriteString("Prices are missing: what is marked >= costs more\n")
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write the estimate: %w", err)
	}
	return nil
}

func costTable(out *bytes.Buffer, env *cost.Environment) {
	fmt.Fprintf(out, "%s: %s in %s, which exists for %s hours of the month\n", env.Name, env.Mode, env.Location, figure(env.Hours))
	cells := [][]string{{"POOL", "WHAT", "NODES", "HOURS", "A NODE'S HOUR", "ALWAYS ON", "ON DEMAND", "AS DECLARED"}}
	for _, r := range env.Rows {
		row := []string{r.Pool, r.What, "", figure(r.Hours), "", money(r.AlwaysOn), money(r.OnDemand), money(r.Declared)}
		if r.Kind != "fee" && r.Kind != "storage" {
			row[2] = figure(r.Nodes)
		}
		if r.Kind == "nodes" {
			row[4] = "?"
			if r.NodeHour != nil {
				row[4] = strconv.FormatFloat(*r.NodeHour, 'f', 4, 64)
			}
		}
		cells = append(cells, row)
	}
	atLeast := ""
	if len(env.Missing) > 0 {
		atLeast = ">= "
	}
	total := func(what string, a cost.Amounts, mark string) {
		cells = append(cells, []string{"", what, "", "", "", mark + money(a.AlwaysOn), mark + money(a.OnDemand), mark + money(a.Declared)})
	}
	total("sum", env.Sum, atLeast)
	if credit := env.Credit.AlwaysOn; credit != nil && *credit != 0 {
		total("free tier, once per billing account", env.Credit, "")
		total("to pay", env.Total, atLeast)
	}
	writeColumns(out, cells, []bool{false, false, true, true, true, true, true, true})
	for _, m := range env.Missing {
		fmt.Fprintf(out, "no price for %s in %s (%s)\n", m.Item, m.Region, m.For)
	}
	fmt.Fprintf(out, "not counted: %s\n", strings.Join(env.Uncounted, "; "))
}

// money prints dollars and cents; what is not known is a question mark.
func money(x *float64) string {
	if x == nil {
		return "?"
	}
	return strconv.FormatFloat(*x+0, 'f', 2, 64)
}

// figure prints a number of nodes or hours.
func figure(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
