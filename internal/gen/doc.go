// Package gen makes realistic CleverTap events: an invented shop's users with their devices, campaigns, journeys and
// app releases over a month. The same options give the same bytes, so files can be made again instead of being kept.
//
// It is for samples, benchmarks and tests. Write follows the steps of one event: a scene plans what happens (scene.go),
// fill says what CleverTap would record of it (fill*.go), and an encoder writes it down as the kind of file that was asked for
// (segment.go, clevertap.go, csv.go).
package gen
