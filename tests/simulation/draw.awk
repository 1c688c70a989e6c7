# Draws a scenario from a seed: processes, calls, touches, switches, faults, suspends, stops, and either
# clock steps or kills. Not both: a process that starts without its issuer has only the wall clock to judge a
# persisted token by, and nothing can be known if that was stepped.
function pick(n) { return int(rand() * n) }

function step(text) { steps = steps (steps == "" ? "" : ",\n    ") "{ \"at_ms\": " (t + 0) ", " text " }" }

function get(process,    text) {
    text = "\"do\": \"get\", \"process\": " process ", \"label\": \"" ++label "\""
    if (pick(4) == 0) text = text ", \"template\": \"" (pick(2) ? "x" : "y") "\""
    if (pick(8) == 0) text = text ", \"skip_cache\": true"
    if (pick(6) == 0) text = text ", \"timeout_ms\": " 100 + pick(20000)
    if (pick(10) == 0) text = text ", \"min_remaining_s\": " pick(90)
    if (pick(10) == 0) text = text ", \"allow_stale\": \"never\""
    step(text)
}

function host(process) {
    if (pick(3)) step("\"do\": \"wake\", \"process\": " process)
    else if (pick(2)) step("\"do\": \"organization\", \"process\": " process ", \"id\": \"" \
                           (pick(2) ? "org_1" : "") "\"")
    else if (pick(2)) step("\"do\": \"clear\", \"process\": " process)
    else if (label > 0) step("\"do\": \"reject\", \"process\": " process ", \"label\": \"" \
                             1 + pick(label) "\"")
    step("\"do\": \"open\", \"process\": " process)
}

function sleep(ms) {
    step("\"do\": \"sleep\", \"ms\": " ms)
    awake = (t > awake ? t : awake) + ms # one that falls into another begins at its end
}

function fault(    rule) {
    split("500 503 429 404 401", status, " ")
    if (pick(3) == 0) rule = "\"drop\": true"
    else if (pick(4) == 0) rule = "\"hang\": true"
    else rule = "\"status\": " status[1 + pick(5)]
    step("\"do\": \"faults\", \"on\": \"" on[1 + pick(7)] "\", \"rules\": [" \
         (pick(3) == 0 ? "" : "{ " rule ", \"count\": " (pick(4) ? 1 + pick(6) : -1) " }") "]")
}

# All is well again, for long enough: whoever asks then has a token. A strict issuer may have lost the
# credential for good.
function heal(    i) {
    if (t < awake) t = awake + 1
    for (i = 1; i <= 7; i++) step("\"do\": \"faults\", \"on\": \"" on[i] "\", \"rules\": []")
    step("\"do\": \"network\", \"online\": true")
    for (i = 0; i < processes; i++) step("\"do\": \"continue\", \"process\": " i)
    t += 120000
    for (i = 0; i < processes; i++) {
        step("\"do\": \"open\", \"process\": " i)
        step("\"do\": \"get\", \"process\": " i ", \"label\": \"healed " i "\"")
    }
}

BEGIN {
    srand(seed)
    split("tokens tokens tokens tokens/x client touch *", on, " ")
    processes = 1 + pick(4)
    steps_clock = pick(2)
    split("2 3 5 6 17 18 25 60 300", ttls, " ")
    ttl = ttls[1 + pick(9)]
    for (p = 0; p < processes; p++) { step("\"do\": \"open\", \"process\": " p); t += pick(50) }
    t += 3000
    for (i = 0; i < 120; i++) {
        t += pick(ttl * 150)
        what = pick(22)
        p = pick(processes)
        if (what < 14) get(p)
        else if (what < 16) fault()
        else if (what > 19) host(p)
        else if (what == 16) sleep(1 + pick(ttl * 2000))
        else if (what == 17 && steps_clock) step("\"do\": \"clock\", \"step_ms\": " pick(200000) - 100000)
        else if (what == 18) {
            step("\"do\": \"network\", \"online\": false"); t += pick(20000)
            step("\"do\": \"network\", \"online\": true")
        } else if (pick(2)) {
            step("\"do\": \"stop\", \"process\": " p); t += pick(40000)
            step("\"do\": \"continue\", \"process\": " p)
        } else if (!steps_clock) {
            step("\"do\": \"kill\", \"process\": " p); t += 1
            step("\"do\": \"open\", \"process\": " p)
        }
    }
    split("grace strict keep", rotations, " ")
    rotation = rotations[1 + pick(3)]
    if (rotation != "strict") heal()
    printf "{ \"about\": \"drawn from seed %d\", \"until_ms\": %d, \"processes\": %d,\n", seed, \
        t + 200000, processes
    printf "  \"issuer\": { \"ttl_s\": %d, \"latency_ms\": %d, \"rotation\": \"%s\" },\n", ttl, \
        1 + pick(ttl * 20), rotation
    printf "  \"steps\": [\n    %s ] }\n", steps
}
