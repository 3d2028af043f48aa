# The reader is gone before the first line comes.
mkfifo pipe
(exec 3<pipe; exec 3<&-; touch gone) &
exec 4>pipe
wait
keisan ops >&4
