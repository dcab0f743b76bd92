package config

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseSize reads a number of bytes with an optional unit: 40MiB, 512k, 1 GB. K, M and G are powers of 1024, as are KiB
// and the like; KB, MB and GB are powers of 1000.
func ParseSize(s string) (bytes int64, ok bool) {
	s = strings.TrimSpace(s)
	end := strings.LastIndexAny(s, "0123456789.") + 1
	n, err := strconv.ParseFloat(s[:end], 64)
	if err != nil || n < 0 {
		return 0, false
	}
	unit, ok := map[string]float64{
		"": 1, "b": 1,
		"k": 1 << 10, "kib": 1 << 10, "m": 1 << 20, "mib": 1 << 20, "g": 1 << 30, "gib": 1 << 30,
		"kb": 1e3, "mb": 1e6, "gb": 1e9,
	}[strings.ToLower(strings.TrimSpace(s[end:]))]
	if n *= unit; !ok || n > math.MaxInt64/2 {
		return 0, false
	}
	return int64(n), true
}

// Age writes an age as ParseAge reads it: in days if they are whole, else in hours.
func Age(d time.Duration) string {
	const day = 24 * time.Hour
	if d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}

// ParseAge reads an age: 90d, 12w, 36h, or a duration of Go such as 1h30m.
func ParseAge(s string) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	var day time.Duration
	switch {
	case strings.HasSuffix(s, "d"):
		day = 24 * time.Hour
	case strings.HasSuffix(s, "w"):
		day = 7 * 24 * time.Hour
	default:
		age, err := time.ParseDuration(s)
		return age, err == nil && age >= 0
	}
	n, err := strconv.ParseInt(s[:len(s)-1], 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/int64(day) {
		return 0, false
	}
	return time.Duration(n) * day, true
}
