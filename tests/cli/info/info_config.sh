diffc info tiny.json | grep -E '^  (network|parameters|compute) '
#>   network      16x16x1, channels 8 16, 1 block a level, attention at 8x8
#>   parameters   44,969
#>   compute      9.1 MFLOP forward per image
