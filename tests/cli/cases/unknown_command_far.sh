diffc frobnicate
