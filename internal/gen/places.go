package gen

// cities are where the shop's users live, the largest first.
func cities() []city {
	indian := [3]string{"Jio", "Airtel", "Vi India"}
	return []city{
		{"Mumbai", "en-IN", "INR", "+91", 190760, 728777, indian},
		{"Delhi", "hi-IN", "INR", "+91", 287041, 771025, indian},
		{"Bengaluru", "en-IN", "INR", "+91", 129716, 775946, indian},
		{"Hyderabad", "te-IN", "INR", "+91", 173850, 784867, indian},
		{"Chennai", "ta-IN", "INR", "+91", 130827, 802707, indian},
		{"Jakarta", "id-ID", "IDR", "+62", -62088, 1068456, [3]string{"Telkomsel", "Indosat", "XL Axiata"}},
		{"Singapore", "en-SG", "SGD", "+65", 13521, 1038198, [3]string{"Singtel", "StarHub", "M1"}},
		{"Dubai", "ar-AE", "AED", "+971", 252048, 552708, [3]string{"Etisalat", "du", "Virgin Mobile"}},
		{"Sao Paulo", "pt-BR", "BRL", "+55", -235505, -466333, [3]string{"Vivo", "Claro", "TIM"}},
	}
}

// campaigns are what the shop runs during the month, the most used first.
func campaigns() []campaign {
	return []campaign{
		{"Daily deals", "Push", "deals", "bazaar://deals", "Shop now", 1767225600, 0, recurring, 2},
		{"Cart reminder", "Push", "cart, retention", "bazaar://cart", "Back to cart", 1767225713, 41, triggered, 2},
		{"Weekend sale teaser", "Push", "sale", "bazaar://sale/weekend", "See offers", 1767312044, 0, once, 2},
		{"New arrivals", "InApp", "discovery", "bazaar://new", "Explore", 1767312811, 0, recurring, 3},
		{"Republic Day sale", "Push", "sale, seasonal", "bazaar://sale/republic-day", "Grab it", 1767916800, 0, once, 2},
		{"Weekly digest", "Email", "newsletter", "https://shop.example.org/digest", "Read more", 1767398400, 0, recurring, 1},
		{"Rate your order", "InApp", "feedback", "bazaar://orders", "Rate", 1767484800, 43, triggered, 1},
		{"Price drop", "Push", "deals, wishlist", "bazaar://wishlist", "View", 1767571200, 42, triggered, 1},
		{"Welcome series", "Email", "onboarding", "https://shop.example.org/welcome", "Get started", 1767139200, 44, triggered, 2},
		{"Order updates", "WhatsApp", "service", "https://shop.example.org/orders", "Track", 1767052800, 0, triggered, 1},
		{"Win back", "WhatsApp", "retention", "https://shop.example.org/back", "Come back", 1768003200, 42, once, 2},
		{"Back in stock", "Web Push", "deals", "https://shop.example.org/stock", "Buy", 1768089600, 0, triggered, 1},
		{"Loyalty sync", "Webhook", "crm", "https://hooks.example.org/loyalty", "", 1768176000, 0, triggered, 1},
	}
}

// The campaigns that scenes ask for by channel, as indices in campaigns.
const (
	emailCampaign    = 5
	whatsAppCampaign = 9 // and 10
	webPushCampaign  = 11
	webhookCampaign  = 12
)

type product struct {
	id, name, category string
	price              int64 // in hundredths
	rating             int64 // in tenths
}

func products() []product {
	return []product{
		{"P-1001", "Cotton kurta", "Fashion", 89900, 43},
		{"P-1002", "Running shoes", "Footwear", 249950, 45},
		{"P-1003", "Steel bottle, 1 l", "Home", 49900, 41},
		{"P-1004", `24" monitor`, "Electronics", 1099000, 44},
		{"P-1005", "Wireless earbuds", "Electronics", 179900, 39},
		{"P-1006", "Basmati rice 5 kg", "Grocery", 64500, 46},
		{"P-1007", "Yoga mat", "Sports", 79900, 40},
		{"P-1008", "Silk saree", "Fashion", 459900, 48},
		{"P-1009", "Café filter coffee", "Grocery", 32550, 47},
		{"P-1010", "LED desk lamp", "Home", 119900, 42},
	}
}
