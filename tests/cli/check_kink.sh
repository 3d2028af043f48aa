# relu has a corner at 0: reported, and no failure.
keisan check kink.json | awk 'NR > 1 {print $1, $2, $5, $6, $7, $8, $9}'
keisan check kink.json --json | grep -o '"kinks": [0-9]*'
