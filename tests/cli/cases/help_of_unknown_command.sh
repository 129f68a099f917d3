diffc help trian
