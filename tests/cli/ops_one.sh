keisan ops sum
echo
keisan ops where
echo
keisan ops argmax
echo
keisan ops step
