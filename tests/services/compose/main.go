// Loads a compose file as the specification's own loader does and prints the project as JSON.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	options, err := cli.NewProjectOptions([]string{os.Args[1]}, cli.WithEnvFiles(os.Args[2]),
		cli.WithDotEnv, cli.WithProfiles([]string{"*"}), cli.WithName("muster"))
	if err == nil {
		project, failed := options.LoadProject(context.Background())
		if err = failed; err == nil {
			data, _ := project.MarshalJSON()
			fmt.Println(string(data))
			return
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
