package gen

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// world is everything that exists before the first event. Names, addresses, numbers and tokens are invented; the mail
// domain is reserved for examples.
type world struct {
	users     []user
	devices   []device
	campaigns []campaign
	cities    []city
}

type user struct {
	id, name, email, phone string
	identities             string // all identities as CleverTap prints them in CSV
	city                   *city
}

// device is one installation of the app, or one browser.
type device struct {
	user                         *user
	id                           string // CleverTap ID, or objectId
	token                        string
	platform                     string // Android, iOS or Web
	brand, model, osVersion      string
	sdk, carrier, browser, agent string
	width, height, dpi           int64 // width and height in millimetres, or in pixels of a browser
	version                      int   // index in releases
	installed                    bool
	known                        bool // somebody has logged in on it
	hidden                       bool // CleverTap's exports do not name its id
	osName                       string
	contextTail                  string
}

type city struct {
	name, locale, currency, dial string
	lat, long                    int64 // in 1/10,000 of a degree
	carriers                     [3]string
}

// campaign is one of the shop's campaigns. cadence is how its id looks (see appendCampaignID).
type campaign struct {
	name, channel, labels, link, c2a string
	id                               int64
	journey                          int64 // 0 if it is not part of one
	cadence                          cadence
	variants                         int
}

type cadence uint8

const (
	once cadence = iota
	recurring
	triggered
)

// releases are the app's versions; release i comes out at releaseShare[i] of the period.
var (
	releases     = [...]string{"5.1.0", "5.1.4", "5.2.0", "5.2.1", "5.3.0"}
	releaseShare = [...]float64{0, 0, 0.2, 0.45, 0.75}
)

func newWorld(rng *rand.Rand, users int) *world {
	w := &world{cities: cities(), campaigns: campaigns(), users: make([]user, users)}
	for i := range w.users {
		w.users[i] = newUser(rng, i, &w.cities[pick(rng, len(w.cities))])
		for range 1 + pick(rng, 3)/2 + pick(rng, 8)/7 { // one device, a third of the users has two, a few have three
			w.devices = append(w.devices, newDevice(rng, &w.users[i]))
		}
	}
	return w
}

// pick returns a number below n that is more often small than large: a few cities, models and users are most of it.
func pick(rng *rand.Rand, n int) int {
	a, b := rng.IntN(n), rng.IntN(n)
	return min(a, b)
}

func newUser(rng *rand.Rand, i int, c *city) user {
	first := [...]string{"Asha", "Ravi", "Meera", "Arjun", "Divya", "Karan", "Nadia", "Omar", "Putri", "Wei", "Leila", "Sam"}
	last := [...]string{"Rao", "Iyer", "Khan", "Das", "Nair", "Singh", "Wijaya", "Tan", "Haddad", "Costa", "Mehta", "Lim"}
	name := first[rng.IntN(len(first))] + " " + last[rng.IntN(len(last))]
	digits := strconv.Itoa(1_000_000 + i)[1:]
	u := user{
		id:    "u-" + digits,
		name:  name,
		email: strings.ToLower(strings.ReplaceAll(name, " ", ".")) + "." + strconv.Itoa(i) + "@example.org",
		phone: c.dial + "555" + digits,
		city:  c,
	}
	u.identities = "[" + u.id + ", " + u.email + "]"
	return u
}

type model struct {
	brand, name, os    string
	width, height, dpi int64
}

func newDevice(rng *rand.Rand, u *user) device {
	android := [...]model{
		{"samsung", "SM-A546E", "14", 68, 151, 420},
		{"Xiaomi", "23053RN02A", "13", 70, 156, 440},
		{"vivo", "V2250", "13", 69, 154, 440},
		{"samsung", "SM-M146B", "14", 69, 155, 400},
		{"OnePlus", "CPH2491", "14", 69, 153, 450},
		{"realme", "RMX3710", "13", 70, 155, 420},
		{"Google", "Pixel 8", "15", 66, 143, 428},
	}
	iPhones := [...]model{
		{"Apple", "iPhone14,5", "17.4", 65, 141, 460},
		{"Apple", "iPhone15,2", "18.1", 65, 142, 460},
		{"Apple", "iPhone12,8", "16.7", 58, 123, 326},
	}
	browsers := [...]model{
		{"", "Chrome", "10", 1920, 1080, 96}, {"", "Safari", "14.3", 1440, 900, 110}, {"", "Firefox", "10", 1366, 768, 96},
	}
	d := device{
		user: u, installed: rng.IntN(100) < 78, known: rng.IntN(100) < 85, hidden: rng.IntN(10) == 0,
		carrier: u.city.carriers[pick(rng, 3)], version: rng.IntN(2), sdk: "70000",
	}
	var m model
	switch n := rng.IntN(100); {
	case n < 72:
		m, d.platform, d.token = android[pick(rng, len(android))], "Android", "fcm:"+randomText(rng, 22)+":APA91b"+randomText(rng, 64)
		d.id = "__" + randomHex(rng, 32)
	case n < 90:
		m, d.platform, d.token = iPhones[pick(rng, len(iPhones))], "iOS", randomHex(rng, 64)
		d.id, d.sdk = "-"+randomHex(rng, 32), "60200"
	default:
		m, d.platform, d.sdk = browsers[pick(rng, len(browsers))], "Web", "10800"
		d.id, d.hidden, d.carrier, d.browser = randomUUID(rng), false, "", m.name
	}
	d.brand, d.model, d.osVersion, d.width, d.height, d.dpi = m.brand, m.name, m.os, m.width, m.height, m.dpi
	d.describe()
	return d
}

// describe renders what every event of the device repeats.
func (d *device) describe() {
	d.osName = d.platform
	switch d.platform {
	case "Web":
		system := "Windows NT 10.0; Win64; x64"
		d.osName = "Windows"
		if d.browser == "Safari" {
			d.osName, system = "macOS", "Macintosh; Intel Mac OS X 14_3"
		}
		d.agent = "Mozilla/5.0 (" + system + ") AppleWebKit/605.1.15 " + d.browser + "/143.0"
	case "iOS":
		d.agent = "Bazaar/5 (" + d.model + "; iOS " + d.osVersion + "; " + d.user.city.locale + ") CFNetwork/1490"
	default:
		d.agent = "Bazaar/5 (Linux; Android " + d.osVersion + "; " + d.brand + " " + d.model + "; " + d.user.city.locale + ")"
	}
	hardware := ""
	if d.platform != "Web" {
		hardware = `"device":{"manufacturer":"` + d.brand + `","model":"` + d.model + `"},`
	}
	d.contextTail = `"},` + hardware + `"library":{"name":"clevertap","version":"` + d.sdk + `"},"locale":"` + d.user.city.locale + `","os":{"name":"` + d.osName + `","version":"` + d.osVersion +
		`"},"userAgent":"` + d.agent + `"},"properties":{`
}

func randomHex(rng *rand.Rand, n int) string { return randomOf(rng, "0123456789abcdef", n) }

func randomText(rng *rand.Rand, n int) string {
	return randomOf(rng, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", n)
}

func randomOf(rng *rand.Rand, letters string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[rng.IntN(len(letters))]
	}
	return string(b)
}

func randomUUID(rng *rand.Rand) string { return string(appendUUID(nil, rng)) }

// appendUUID appends 36 characters that look like a random UUID (version 4).
func appendUUID(dst []byte, rng *rand.Rand) []byte {
	const hex = "0123456789abcdef"
	hi, lo := rng.Uint64(), rng.Uint64()
	hi = hi&^0xf000 | 0x4000
	lo = lo&^(3<<62) | 2<<62
	var b [36]byte
	for i, shift := 0, 60; i < 18; i++ {
		if i == 8 || i == 13 {
			b[i] = '-'
			continue
		}
		b[i] = hex[hi>>shift&0xf]
		shift -= 4
	}
	b[18] = '-'
	for i, shift := 19, 60; i < 36; i++ {
		if i == 23 {
			b[i] = '-'
			continue
		}
		b[i] = hex[lo>>shift&0xf]
		shift -= 4
	}
	return append(dst, b[:]...)
}
