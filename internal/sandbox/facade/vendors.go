package facade

// Vendors are the services that the sandbox speaks for. A new one is one line.
func Vendors() []Vendor {
	return []Vendor{
		braze(),
		customerio(),
		hubspot(),
		salesforce(),
		klaviyo(),
		linkedin(),
		meta(),
		mixpanel(),
		slack(),
		zendesk(),
		intercom(),
	}
}

// Of gives the vendor of a connection's type.
func Of(kind string) (Vendor, bool) {
	for _, v := range Vendors() {
		if v.Kind == kind {
			return v, true
		}
	}
	return Vendor{}, false
}
