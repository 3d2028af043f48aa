keisan ops mean --json
keisan ops variable --json
keisan ops meen --json
