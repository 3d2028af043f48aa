# builders.awk - for each operation its section of ops/table.h and the builder that a program calls, as rows of a C table.
#
#   awk -f builders.awk ops/table.h include/keisan/ops/*.h
#
# A builder that has another name than its operation says so in its comment: the operation "step".

/^ +\/\* .* \*\/ *\\$/ {
    section = $0
    gsub(/^ +\/\* | \*\/ *\\$/, "", section)
    next
}

/^ +OP\(/ {
    match($0, /\([a-z_0-9]+\)/)
    name = substr($0, RSTART + 1, RLENGTH - 2)
    order[++count] = name
    family[name] = section
    next
}

/^KS_API / {
    declaration = ""
    open = 1
}

open {
    declaration = declaration (declaration == "" ? "" : " ") $0
    if (!index($0, ";"))
        next
    open = 0
    if (!match(declaration, /ks_[a-z_0-9]+_at\(/))
        next
    name = substr(declaration, RSTART + 3, RLENGTH - 7)
    if (match(declaration, /the operation "[a-z_0-9]+"/))
        name = substr(declaration, RSTART + 15, RLENGTH - 16)
    sub(/^KS_API /, "", declaration)
    sub(/;.*/, ";", declaration)
    sub(/_at\(ks_place at, */, "(", declaration)
    gsub(/  +/, " ", declaration)
    builder[name] = declaration
}

END {
    for (i = 1; i <= count; i++)
        printf "{\"%s\", \"%s\", \"%s\"},\n", order[i], family[order[i]], builder[order[i]]
}
