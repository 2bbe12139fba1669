// Command strake writes, checks and proposes what Argo CD syncs.
package main

import (
	"os"

	"strake/generator/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.Process()))
}
