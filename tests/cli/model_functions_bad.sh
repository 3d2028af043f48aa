sed 's/"function": "pair"/"function": "pear"/' functions.json >bad.json
keisan info bad.json
sed 's/"function": "bend"/"function": "step"/' functions.json >bad.json
keisan info bad.json
