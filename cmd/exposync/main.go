// Command exposync is the reverse leg of a dbt project.
package main

import (
	"os"

	"exposync/internal/cli"
)

func main() {
	os.Exit(cli.Main())
}
