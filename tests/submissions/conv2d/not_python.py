Dear teaching team,

I am sorry, my laptop broke down on Friday evening and I could not finish the exercise in time.
I did the part with the sizes on paper: for 32 pixels, a kernel of 5 and stride 1 there are 28 places.
The forward function should be four loops and a sum, and I think I understood why the kernel isn't flipped.

Could I please hand it in on Tuesday? My doctor's note is attached.

Kind regards
J.
