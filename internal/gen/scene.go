package gen

import "math/rand/v2"

// plan is one event that will happen: what, where, when, and because of which campaign.
type plan struct {
	event    event
	dev      *device
	camp     *campaign
	at       int64 // Unix milliseconds
	sent     int64 // when the message was sent, which may be part of its campaign's id
	session  int64 // epoch seconds in which the app session began
	serial   int64 // of the message or order, so that the events of one belong together
	variant  int
	choice   int  // which of the alternatives that the event has: product, experiment, shop
	fromPush bool // the session began with a click
	login    bool // from here on the device's user is known
}

// One scene in rareEvery is one of the rare ones, in turn, so that every event of the catalogue occurs in a small file.
const rareEvery = 14

// firstLaunch is the choice of an App Launched that follows an install.
const firstLaunch = 1

// play adds the plans of the next scene to g.queue.
func (g *generator) play() {
	g.scene++
	at := g.clock.at(min((float64(g.made)+2*g.rng.Float64())/float64(g.opts.Events), 1))
	if g.rng.IntN(100) < g.opts.Custom {
		g.shop(g.active(), at)
		return
	}
	if g.scene%rareEvery == 5 {
		g.rare(g.scene/rareEvery%12, at)
		return
	}
	switch n := g.rng.IntN(1000); {
	case n < 640:
		g.send(at)
	case n < 985:
		g.launch(g.active(), at, false)
	default:
		g.install(at)
	}
}

func (g *generator) plan(p plan) {
	p.at = g.clock.clamp(p.at)
	g.queue = append(g.queue, p)
}

func (g *generator) chance(percent int) bool { return g.rng.IntN(100) < percent }

// spread returns a time around d: from a quarter of it to seven quarters.
func spread(rng *rand.Rand, d int64) int64 { return d/4 + rng.Int64N(d*3/2) }

// active picks a device that has the app; some users are much more active than others.
func (g *generator) active() *device {
	for range 50 {
		if d := &g.world.devices[pick(g.rng, len(g.world.devices))]; d.installed {
			return d
		}
	}
	d := &g.world.devices[0]
	d.installed = true
	return d
}

// activeApp picks a device that is no browser.
func (g *generator) activeApp() *device {
	for range 50 {
		if d := g.active(); d.platform != "Web" {
			return d
		}
	}
	return g.active()
}

// send is one message of a campaign: sent (or held back by the control group), delivered, seen, clicked.
func (g *generator) send(at int64) {
	d := g.active()
	i := pick(g.rng, webhookCampaign) // webhooks have a scene of their own
	switch channel := g.world.campaigns[i].channel; {
	case d.platform == "Web" && (channel == "Push" || channel == "InApp"):
		i = webPushCampaign
	case d.platform != "Web" && channel == "Web Push":
		i = 0
	}
	g.sendCampaign(&g.world.campaigns[i], d, at)
}

func (g *generator) sendCampaign(c *campaign, d *device, at int64) {
	g.serial++
	p := plan{dev: d, camp: c, at: at, sent: at, serial: g.serial, variant: g.rng.IntN(c.variants)}
	if g.chance(5) {
		p.event = controlGroup
		g.plan(p)
		return
	}
	p.event = notificationSent
	g.plan(p)
	if c.channel == "Push" {
		if !g.chance(82) {
			return // not delivered: switched off, or the token is dead
		}
		p.event, p.at = pushImpressions, at+spread(g.rng, 20*second)
		g.plan(p)
	}
	if !g.chance(46) {
		return
	}
	p.event, p.at = notificationViewed, p.at+spread(g.rng, 40*minute)
	p.session = p.at / second
	g.plan(p)
	// The second variant of a test does better, so that comparing them shows something.
	if !g.chance([...]int{4, 11, 6}[p.variant]) {
		return
	}
	p.event, p.at = notificationClicked, p.at+spread(g.rng, 15*second)
	g.plan(p)
	if g.chance(60) {
		p.event, p.at = utmVisited, p.at+2*second
		g.plan(p)
		g.launch(d, p.at+second, true)
	}
}

// launch opens the app: after an update perhaps, and perhaps an in-app message is seen.
func (g *generator) launch(d *device, at int64, fromPush bool) {
	latest := g.latest(at)
	if d.version < latest && d.platform != "Web" && g.chance(12) {
		g.update(d, latest, at-3*second)
	}
	g.plan(plan{event: appLaunched, dev: d, at: at, session: at / second, fromPush: fromPush})
}

// latest returns the newest release at that time.
func (g *generator) latest(at int64) int {
	progress := float64(at-g.clock.from) / float64(g.clock.to-g.clock.from)
	latest := 0
	for i, share := range releaseShare {
		if progress >= share {
			latest = i
		}
	}
	return latest
}

func (g *generator) update(d *device, version int, at int64) {
	previous := d.version
	d.version = version
	g.plan(plan{event: appVersionChanged, dev: d, at: at, choice: previous})
}

// install puts the app on a device that does not have it: a click on an advertisement, perhaps, and the first launch.
func (g *generator) install(at int64) {
	d := g.without()
	if d == nil {
		return
	}
	d.installed, d.known, d.version = true, false, g.latest(at)
	if g.chance(55) {
		g.plan(plan{event: utmVisited, dev: d, at: at - spread(g.rng, 3*minute), session: at / second, choice: g.rng.IntN(3)})
	}
	g.plan(plan{event: appInstalled, dev: d, at: at, session: at / second})
	g.plan(plan{event: appLaunched, dev: d, at: at + 20*second, session: at/second + 20, choice: firstLaunch})
	if g.chance(75) {
		g.signUp(d, at+2*minute)
	}
}

// signUp logs the user in. It is a custom event, so without those only the next launch shows it.
func (g *generator) signUp(d *device, at int64) {
	p := plan{event: appLaunched, dev: d, at: at + 8*hour, session: at/second + 8*3600, login: true}
	if g.opts.Custom > 0 {
		p.event, p.at, p.session = signedUp, at, at/second-120
	}
	g.plan(p)
}

// without finds a device that does not have the app.
func (g *generator) without() *device {
	for range 20 {
		if d := &g.world.devices[g.rng.IntN(len(g.world.devices))]; !d.installed && d.platform != "Web" {
			return d
		}
	}
	return nil
}

// rare plays the i-th of twelve scenes that happen now and then.
func (g *generator) rare(i int64, at int64) {
	d := g.activeApp()
	switch i {
	case 0:
		g.uninstall(d, at)
	case 1:
		g.plan(plan{event: appVersionChanged, dev: d, at: at, choice: max(d.version-1, 0)})
	case 2, 3:
		g.converse(&g.world.campaigns[whatsAppCampaign+i-2], d, at, notificationReplied)
	case 4:
		g.converse(&g.world.campaigns[emailCampaign], d, at, channelUnsubscribed)
	case 5, 6:
		g.serial++
		c := &g.world.campaigns[webhookCampaign]
		g.plan(plan{event: webhookDelivered, dev: d, camp: c, at: at, sent: at, serial: g.serial})
	case 7:
		g.plan(plan{event: abStopped, dev: d, at: at, choice: g.rng.IntN(2)})
	case 8:
		g.plan(plan{event: abRolledOut, dev: d, at: at, choice: g.rng.IntN(2)})
	case 9:
		g.plan(plan{event: abDisqualified, dev: d, at: at, choice: g.rng.IntN(2)})
	case 10:
		g.visit(d, at)
	default:
		g.install(at)
	}
}

func (g *generator) uninstall(d *device, at int64) {
	d.installed = false
	g.plan(plan{event: appUninstalled, dev: d, at: at})
}

// converse is a message that the user reacts to: an answer (which is answered), or an unsubscription.
func (g *generator) converse(c *campaign, d *device, at int64, reaction event) {
	g.serial++
	p := plan{event: notificationSent, dev: d, camp: c, at: at, sent: at, serial: g.serial, choice: g.rng.IntN(4)}
	g.plan(p)
	p.event, p.at = reaction, at+spread(g.rng, 30*minute)
	g.plan(p)
	if reaction == notificationReplied {
		p.event, p.at = replySent, p.at+spread(g.rng, 4*second)
		g.plan(p)
	}
}

// visit is a walk through the surroundings of a shop.
func (g *generator) visit(d *device, at int64) {
	p := plan{event: geoclusterEntered, dev: d, at: at, choice: g.rng.IntN(3)}
	g.plan(p)
	p.event, p.at = geoclusterExited, at+spread(g.rng, 25*minute)
	g.plan(p)
}

// shop is a trip through the catalogue of the shop: products seen, perhaps put in the cart, perhaps paid for.
func (g *generator) shop(d *device, at int64) {
	g.serial++
	p := plan{event: productViewed, dev: d, at: at, session: at / second, serial: g.serial}
	if !d.known && g.chance(30) {
		g.signUp(d, at)
	}
	for range 1 + g.rng.IntN(3) {
		p.choice = pick(g.rng, len(g.products))
		p.at += spread(g.rng, 40*second)
		g.plan(p)
	}
	if !g.chance(35) {
		return
	}
	p.event, p.at = addedToCart, p.at+spread(g.rng, 20*second)
	g.plan(p)
	if g.chance(45) {
		p.event, p.at = charged, p.at+spread(g.rng, 3*minute)
		g.plan(p)
	}
}
