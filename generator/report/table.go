package report

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"strake/generator/diag"
)

// Row is one application of one environment: how many objects it has and how
// many findings are about them.
type Row struct {
	Environment, App string
	Objects          int
	Errors, Warnings int
	Infos            int
}

// Table writes rows in the order given, aligned, each whole so that grep finds
// it, and a line of totals.
func Table(w io.Writer, rows []Row) error {
	cells := [][]string{{"ENVIRONMENT", "APP", "OBJECTS", "FINDINGS"}}
	var total Row
	for _, r := range rows {
		cells = append(cells, []string{r.Environment, r.App, strconv.Itoa(r.Objects), r.findings()})
		total.Objects += r.Objects
		total.Errors += r.Errors
		total.Warnings += r.Warnings
		total.Infos += r.Infos
	}
	cells = append(cells, []string{"total", plural(len(rows), "overlay"), strconv.Itoa(total.Objects), total.findings()})
	var out bytes.Buffer
	writeColumns(&out, cells, []bool{false, false, true, false})
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

// findings is the last cell of a row: a dash where there are none.
func (r Row) findings() string {
	if r.Errors+r.Warnings+r.Infos == 0 {
		return "-"
	}
	return severities(r.Errors, r.Warnings, r.Infos)
}

// writeColumns writes cells in columns two spaces apart, as wide as a terminal
// shows them; right marks the columns that are aligned to the right.
func writeColumns(out *bytes.Buffer, cells [][]string, right []bool) {
	widths := make([]int, len(right))
	for _, row := range cells {
		for i, cell := range row {
			widths[i] = max(widths[i], diag.Width(diag.Printable(cell)))
		}
	}
	for _, row := range cells {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			cell = diag.Printable(cell)
			space := strings.Repeat(" ", widths[i]-diag.Width(cell))
			if right[i] {
				line.WriteString(space + cell)
			} else {
				line.WriteString(cell + space)
			}
		}
		out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}
