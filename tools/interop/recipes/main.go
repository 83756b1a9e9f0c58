// Verifies one token a line with the function of the page, and prints what came of it.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
)

func main() {
	verify, err := NewVerifier()
	if err != nil {
		log.Fatal(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		claims, err := verify(lines.Text())
		if err != nil {
			fmt.Printf("refused: %q\n", err.Error())
			continue
		}
		fmt.Printf("accepted: sub %v\n", claims["sub"])
	}
}
