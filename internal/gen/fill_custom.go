package gen

import "strconv"

// fillCustom writes the shop's own events. Unlike CleverTap's they have types: numbers, booleans, a date, a list.
func (g *generator) fillCustom(r *record) {
	if r.event == signedUp {
		r.text(kMethod, [...]string{"email", "google", "phone"}[g.rng.IntN(3)])
		r.bool(kReferred, g.chance(25))
		r.text(kAppVersion, releases[r.dev.version])
		return
	}
	p := &g.products[r.choice]
	quantity := 1 + r.serial%3
	switch r.event {
	case productViewed:
		product1(r, p)
		r.bool(kInStock, r.serial%9 != 0)
		r.fixed(kRating, p.rating, 1)
	case addedToCart:
		product1(r, p)
		r.int(kQuantity, quantity)
		r.fixed(kCartValue, p.price*quantity, 2)
	case charged:
		g.fillCharged(r, p, quantity)
	}
	r.text(kAppVersion, releases[r.dev.version])
	r.int(kSessionID, r.session)
}

func product1(r *record, p *product) {
	r.text(kProductID, p.id)
	r.free(kProduct, p.name)
	r.text(kCategory, p.category)
	r.fixed(kPrice, p.price, 2)
}

func (g *generator) fillCharged(r *record, p *product, quantity int64) {
	from := len(r.values)
	r.values = append(r.values, "ORD-"...)
	r.values = appendFixed(r.values, 10_000_000+r.serial, 0)
	r.end(kChargedID, plainText, from)
	r.fixed(kAmount, p.price*quantity, 2)
	r.text(kCurrency, r.dev.user.city.currency)
	r.text(kPayment, [...]string{"UPI", "Card", "Cash on delivery", "Wallet"}[pick(g.rng, 4)])
	r.int(kQuantity, quantity)
	from = len(r.values)
	r.values = append(r.values, `[{"Product ID":"`...)
	r.values = append(r.values, p.id...)
	r.values = append(r.values, `","Price":`...)
	r.values = appendFixed(r.values, p.price, 2)
	r.values = append(r.values, `,"Quantity":`...)
	r.values = strconv.AppendInt(r.values, quantity, 10)
	r.values = append(r.values, "}]"...)
	r.end(kItems, rawJSON, from)
	from = len(r.values)
	r.values = appendFixed(r.values, (r.at/day+2+r.serial%4)*day/second, 0)
	r.end(kDeliveryDate, date, from)
}
