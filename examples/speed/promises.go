package main

import "slices"

// promises are all that is measured, in the order of the table.
func promises() []promise {
	return slices.Concat(
		warmPromises(),
		zipPromises(),
		coldPromises(),
		streamingPromises(),
		crowdPromises(),
		clientPromises(),
		graphPromises(),
		hashingPromises(),
		parsingPromises(),
		growthEntriesPromises(),
	)
}
