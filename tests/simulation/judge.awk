# Reads a trace and says what does not hold.
function member(name,    at, text) {
    at = index($0, "\"" name "\":")
    if (at == 0) return ""
    text = substr($0, at + length(name) + 3)
    sub(/[,}].*/, "", text)
    gsub(/"/, "", text)
    return text
}

function broken(text) { print "seed " seed ": " text ": " $0; failed = 1; exit 1 }

{ event = member("event"); process = member("process") }

event == "session" && member("status") == "loading" {
    for (id in under_way) if (owner[id] == process) { busy[under_way[id]] = 0; delete under_way[id] }
}

event == "request" && member("on") == "tokens" {
    key = process " " member("template") " " member("organization")
    if (busy[key]) broken("two requests under way for one key")
    if (!known[member("template") " " member("organization")]++) keys++
    busy[key] = 1
    under_way[member("id")] = key
    owner[member("id")] = process
    if (process > most) most = process
}

event == "response" && member("id") in under_way {
    busy[under_way[member("id")]] = 0
    delete under_way[member("id")]
}

event == "get" { gets++ }

event == "got" { gots++ }

event == "got" && member("label") != "" && ended[member("label")]++ { broken("a call ended twice") }

event == "got" && member("label") ~ /^healed/ && member("token") == "" { broken("no token though all is well") }

event == "summary" {
    if (member("served_expired") + 0 != 0) broken("an expired token was handed out")
    if (member("waited_while_usable") + 0 != 0) broken("a call waited although a usable token was held")
    if (member("requests_per_minute_max") + 0 > 60 * keys + 30 * (most + 1)) broken("too many requests a minute")
    if (member("gets") + 0 != gets + 0 || gots + member("open") != gets + 0) broken("a call was lost")
    seen = 1
}

END {
    if (!failed && !seen) { print "seed " seed ": the trace has no summary"; exit 1 }
    if (failed) exit 1
}
