keisan ops matmull
echo $?
keisan ops zzzzzzzz
