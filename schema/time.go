package schema

// Civil returns the instant of a date and time of day in UTC. ok is false for a date or time that does not exist; there
// is no 24:00 and no second 60.
func Civil(year, month, day, hour, minute, second int) (m Micros, ok bool) {
	days, ok := CivilDays(year, month, day)
	if !ok || hour > 23 || minute > 59 || second > 59 {
		return NoTime, false
	}
	return Micros((days*86400 + int64(hour*3600+minute*60+second)) * 1_000_000), true
}

// CivilDays returns the days from 1970-01-01 to a date of the proleptic Gregorian calendar; ok is false if there is no
// such date. Years are taken to begin in March, so that the leap day is their last.
func CivilDays(year, month, day int) (days int64, ok bool) {
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	y := year
	if month <= 2 {
		y--
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yoe := y - era*400
	mp := (month + 9) % 12
	doy := (153*mp+2)/5 + day - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return int64(era)*146097 + int64(doe) - 719468, true
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// ParseRFC3339 reads a full RFC 3339 date-time with its zone: the only strings that make a property a timestamptz
// (rule 10). T and Z may be lower case, as the RFC allows; a space, a missing zone or an offset without colon are not
// accepted here. Fractions are cut to microseconds.
func ParseRFC3339(s []byte) (Micros, bool) {
	const dateTime = len("2006-01-02T15:04:05")
	if len(s) <= dateTime || s[4] != '-' || s[7] != '-' || s[10]|0x20 != 't' || s[13] != ':' || s[16] != ':' {
		return NoTime, false
	}
	year, ok1 := digits(s[0:4])
	month, ok2 := digits(s[5:7])
	day, ok3 := digits(s[8:10])
	hour, ok4 := digits(s[11:13])
	minute, ok5 := digits(s[14:16])
	second, ok6 := digits(s[17:19])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) {
		return NoTime, false
	}
	m, ok := Civil(year, month, day, hour, minute, second)
	if !ok {
		return NoTime, false
	}
	rest := s[dateTime:]
	if rest[0] == '.' {
		micros, n := fraction(rest[1:])
		if n == 0 {
			return NoTime, false
		}
		m += Micros(micros)
		rest = rest[1+n:]
	}
	offset, ok := zone(rest)
	return m - offset, ok
}

// zone reads Z or an offset such as +05:30.
func zone(s []byte) (offset Micros, ok bool) {
	if len(s) == 1 && s[0]|0x20 == 'z' {
		return 0, true
	}
	if len(s) != 6 || s[3] != ':' || (s[0] != '+' && s[0] != '-') {
		return 0, false
	}
	h, ok1 := digits(s[1:3])
	min, ok2 := digits(s[4:6])
	if !ok1 || !ok2 || h > 23 || min > 59 {
		return 0, false
	}
	offset = Micros(h*3600+min*60) * 1_000_000
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// fraction reads the digits s begins with as a fraction of a second, cut to microseconds; n is how many there are.
func fraction(s []byte) (micros, n int) {
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		if n < 6 {
			micros = micros*10 + int(s[n]-'0')
		}
		n++
	}
	for i := n; i < 6; i++ {
		micros *= 10
	}
	return micros, n
}

func digits(s []byte) (n int, ok bool) {
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
