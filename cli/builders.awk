# builders.awk - for each operation its section of ops/table.h and the builder that a program calls, as rows of a C table.
#
#   awk -f builders.awk ops/table.h include/keisan/ops/*.h
#
# The builder of an operation NAME is ks_NAME, or ks_NAME_function where a C name would say too little.

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
    sub(/^KS_API /, "", declaration)
    sub(/;.*/, ";", declaration)
    sub(/_at\(ks_place at, */, "(", declaration)
    gsub(/  +/, " ", declaration)
    builder[name] = declaration
}

END {
    for (i = 1; i <= count; i++) {
        name = order[i]
        call = name in builder ? builder[name] : builder[name "_function"]
        printf "{\"%s\", \"%s\", \"%s\"},\n", name, family[name], call
    }
}
